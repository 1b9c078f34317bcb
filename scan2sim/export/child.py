"""Run an inspection in a process of its own, with limits on time and memory.

Simulators crash on files that look valid; a crash must cost a message and not the program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scan2sim
from scan2sim.errors import ExportError

__all__ = ["inspect"]

TAIL = 600  # characters of the child's last words that a message shows
MAX_RESULT_BYTES = 16 << 20


def inspect(script: str, subject: Path, *arguments: str, seconds: float = 120.0, memory: int = 8 << 30) -> Any:
    """Run ``inspect_<script>.py`` of this folder on ``subject`` and return the JSON value that it wrote.

    Args:
        script: which inspection.
        subject: the file or folder to inspect.
        arguments: further arguments.
        seconds: the child is killed after this time.
        memory: address space the child may use [bytes].

    Raises:
        ExportError: the child failed, crashed, took too long, or used too much memory.
    """
    program = Path(__file__).with_name(f"inspect_{script}.py")
    home = str(Path(scan2sim.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryDirectory(prefix="scan2sim-check-") as scratch:
        result, words = Path(scratch, "result.json"), Path(scratch, "words.txt")
        command = [sys.executable, "-P", str(program), str(subject.absolute()), str(result), str(memory), *arguments]
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
                raise ExportError(f"the check took more than {seconds:.0f} s and was stopped", path=subject) from None
        if code == 0 and result.is_file() and result.stat().st_size <= MAX_RESULT_BYTES:
            return json.loads(result.read_text())
        said = words.read_bytes()[-20 * TAIL :].decode(errors="replace").strip()
        last = said.splitlines()[-1][-TAIL:] if said else "it said nothing"
        what = f"crashed with signal {-code}" if code < 0 else "failed"
        raise ExportError(f"the check {what}: {last}", path=subject, todo="export the scene again")
