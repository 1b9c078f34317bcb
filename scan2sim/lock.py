"""One process at a time in one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scan2sim.errors import OutputError
from scan2sim.files import output_errors

__all__ = ["LOCK_FILE", "folder_lock"]

LOCK_FILE = ".lock"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock goes with the process, even when it is killed.

    Raises:
        OutputError: another process holds it, or it cannot be written there.
    """
    with output_errors(folder):
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise OutputError(
                f"another scan2sim (process {owner}) is working in this folder",
                path=folder,
                todo="wait until it has finished, or choose another output folder with -o",
            ) from None
        with output_errors(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
