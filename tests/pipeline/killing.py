"""Processes that are started to be killed where they pause."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

__all__ = ["kill", "pause", "start_and_pause"]


def pause(build: Path) -> None:
    """Say that the place to be killed at is reached, and stay there."""
    (build.parent / "paused").touch()
    time.sleep(300)


def start_and_pause(build: Path, target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Call ``target(build, *arguments)`` in a process of its own and wait until it pauses."""
    paused = build.parent / "paused"
    paused.unlink(missing_ok=True)
    context = multiprocessing.get_context("forkserver")  # imports once, then forks from a process without threads
    context.set_forkserver_preload(["tests.pipeline.tiny", "tests.pipeline.fake_build"])
    process = context.Process(target=target, args=(build, *arguments))
    process.start()
    deadline = time.monotonic() + 300
    while not paused.exists():
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def kill(process: BaseProcess, how: int = signal.SIGKILL) -> None:
    """Kill it and see that it is dead and did not finish."""
    assert process.pid
    os.kill(process.pid, how)
    process.join(timeout=30)
    assert process.exitcode not in (None, 0)
