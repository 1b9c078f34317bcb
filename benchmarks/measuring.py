"""How the benchmarks measure: threads, medians, the machine's name and its peak, and how figures are printed."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from scan2sim.splats import available_isas, isa, set_isa, set_threads

__all__ = ["machine", "median_seconds", "peak_gflops", "print_figures", "use"]

_MKL_NAMES = {"avx512": "AVX512", "avx2": "AVX2"}
_PEAK = """
import sys, time, torch
torch.set_num_threads(int(sys.argv[1]))
a, b = torch.rand(1536, 1536), torch.rand(1536, 1536)
best = 1e9
for _ in range(20):
    start = time.perf_counter(); a @ b; best = min(best, time.perf_counter() - start)
print(2 * 1536**3 / best / 1e9)
"""


def use(threads: int, instructions: str | None = None) -> None:
    """Let our kernels and torch use so many threads, and our kernels these instructions (default: the best)."""
    set_threads(threads)
    torch.set_num_threads(threads)
    set_isa(instructions or available_isas()[-1])


def median_seconds(work: Callable[[], Any], repeats: int = 7, warm_ups: int = 1) -> float:
    """Median wall-clock time of a call after some that do not count."""
    for _ in range(warm_ups):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_gflops(threads: int, instructions: str) -> float:
    """The most float32 arithmetic measured here [GFLOP/s]: MKL's matrix product, held to the same instructions.

    It runs in a process of its own, because MKL reads its limits only once.
    """
    environment = {**os.environ, "MKL_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    if instructions in _MKL_NAMES:
        environment["MKL_ENABLE_INSTRUCTIONS"] = _MKL_NAMES[instructions]
    command = [sys.executable, "-c", _PEAK, str(threads)]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)


def machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "machine_cpu": _cpu(),
        "machine_cores": os.cpu_count(),
        "machine_load": round(os.getloadavg()[0], 2),
        "threads": threads,
        "isa": isa(),
        "torch": torch.__version__,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def print_figures(figures: dict[str, Any], as_json: bool) -> None:
    """One flat JSON object, or a line per figure for people."""
    figures = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in figures.items()}
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:42s} {value}")
