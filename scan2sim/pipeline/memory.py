"""Time and peak memory of a stage."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["start_measuring"]


def start_measuring() -> Callable[[], tuple[float, float]]:
    """Start a measurement; the returned function gives seconds and peak memory [MiB] since then.

    Linux forgets the process's earlier peak when asked to (``/proc/self/clear_refs``); elsewhere the peak is that
    of the whole process.  Child processes count with the largest one, where it is larger than any before it.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    children = _children_mib()
    started = time.perf_counter()

    def measure() -> tuple[float, float]:
        now = _children_mib()
        return time.perf_counter() - started, max(_own_mib(), now if now > children else 0.0)

    return measure


def _own_mib() -> float:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return _mib(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _children_mib() -> float:
    return _mib(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _mib(maxrss: int) -> float:
    return maxrss / (2**20 if sys.platform == "darwin" else 1024)
