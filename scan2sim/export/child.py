"""The inspections of exports: each runs in a process of its own, since simulators crash on files that look valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scan2sim.child import ChildError, run_child
from scan2sim.errors import ExportError

__all__ = ["inspect"]


def inspect(
    script: str,
    subject: Path,
    *arguments: str,
    seconds: float = 120.0,
    memory: int = 8 << 30,
    python: Path | None = None,
) -> Any:
    """Run ``inspect_<script>.py`` of this folder on ``subject`` and return the JSON value that it wrote.

    Args:
        script: which inspection.
        subject: the file or folder to inspect.
        arguments: further arguments.
        seconds: the child is killed after this time.
        memory: address space the child may use [bytes].
        python: the interpreter of another environment; None is this one.

    Raises:
        ExportError: the child failed, crashed, took too long, or used too much memory.
    """
    program = Path(__file__).with_name(f"inspect_{script}.py")
    try:
        return run_child(program, subject, memory, *arguments, seconds=seconds, python=python)
    except ChildError as error:
        problem, todo = f"the check {error.problem}", "export the scene again"
        raise ExportError(problem, path=subject, todo="" if "was stopped" in problem else todo) from None
