"""One build at a time in one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scan2sim.errors import OutputError
from scan2sim.files import output_errors

__all__ = ["LOCK_FILE", "build_lock"]

LOCK_FILE = ".lock"


@contextmanager
def build_lock(build: Path) -> Iterator[None]:
    """Hold the build folder for this process; the lock goes with the process, even when it is killed.

    Raises:
        OutputError: another process holds it, or it cannot be written there.
    """
    with output_errors(build):
        descriptor = os.open(build / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise OutputError(
                f"another scan2sim (process {owner}) is working in this folder",
                path=build,
                todo="wait until it has finished, or choose another output folder with -o",
            ) from None
        with output_errors(build):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
