"""Run a program of ours in a process of its own, with limits: a crash, a hang or a flood costs a message, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scan2sim
from scan2sim.errors import Scan2SimError

__all__ = ["ChildError", "run_child"]

TAIL = 600  # characters of the child's last words that a message shows
MAX_RESULT_BYTES = 16 << 20


class ChildError(Scan2SimError):
    """The child failed, crashed or took too long; the problem is a sentence that lacks its subject."""


def run_child(
    program: Path, subject: Path, memory: int, *arguments: str, seconds: float, python: Path | None = None
) -> Any:
    """Run ``python PROGRAM SUBJECT RESULT.json MEMORY ARGUMENTS…`` and return the JSON value that it wrote.

    Args:
        program: the Python file to run; it limits its own memory.
        subject: the file or folder that it looks at.
        memory: what the program may use [bytes].
        arguments: further arguments.
        seconds: the child is killed after this time.
        python: the interpreter of another environment, whose packages alone the program sees; None is this one.

    Raises:
        ChildError: the child failed, crashed, took too long, or used too much memory.
    """
    home = str(Path(scan2sim.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryDirectory(prefix="scan2sim-child-") as scratch:
        result, words = Path(scratch, "result.json"), Path(scratch, "words.txt")
        interpreter = [sys.executable, "-P"] if python is None else [str(python), "-I"]
        command = [*interpreter, str(program), str(subject.absolute()), str(result), str(memory), *arguments]
        with words.open("wb") as stream:
            try:
                code = subprocess.run(
                    command,
                    cwd=scratch,  # MuJoCo leaves a log where it runs
                    env={**os.environ, "PYTHONPATH": paths},
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    timeout=seconds,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise ChildError(f"took more than {seconds:.0f} s and was stopped", path=subject) from None
        if code == 0 and result.is_file() and result.stat().st_size <= MAX_RESULT_BYTES:
            try:
                return json.loads(result.read_text())
            except ValueError:
                raise ChildError("left a result that is no JSON", path=subject) from None
        with words.open("rb") as stream:
            stream.seek(-min(20 * TAIL, words.stat().st_size), os.SEEK_END)
            said = stream.read().decode(errors="replace").strip()
        last = said.splitlines()[-1][-TAIL:] if said else "it said nothing"
        what = f"crashed with signal {-code}" if code < 0 else "failed"
        raise ChildError(f"{what}: {last}", path=subject)
