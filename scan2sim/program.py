"""A command line made of commands: finds the command, runs it, prints its reply, and turns errors into exit codes.

Exit codes: 0 done, 1 a bug of ours (traceback in a log file), 2 bad input or usage, 3 the quality gate says no,
130 interrupted.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import platformdirs
from rich.console import Console

import scan2sim
from scan2sim.commands.progress import ConsoleReporter
from scan2sim.errors import Scan2SimError
from scan2sim.files import finite, output_errors

if TYPE_CHECKING:
    from scan2sim.commands.command import Command, Reply

__all__ = ["Program", "run_program"]

OUR_BUG, BAD_INPUT, INTERRUPTED = 1, 2, 130
FILE_WIDTH = 160  # columns of a table that is not written to a terminal


@dataclass(frozen=True)
class Program:
    """A program's commands; each lives in ``<rooms>/<name>.py`` as the class <Name>, and only the one that runs is
    imported.
    """

    name: str
    about: str
    commands: Mapping[str, str]  # what each does, in a line
    rooms: str  # the package that they live in
    resumed: tuple[str, ...] = ()  # those that go on from where they were interrupted


def run_program(program: Program, arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview(program))
        return 0 if words else BAD_INPUT
    if words[0] == "--version":
        sys.stdout.write(f"{program.name} {scan2sim.__version__}\n")
        return 0
    name, rest = words[0], words[1:]
    # torch and our kernels each bring an OpenMP pool, and idle threads that spin starve the other one: beside two busy
    # processes on two cores, training took 2.4 times as long.  So they sleep unless the person wants it otherwise; this
    # is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if name not in program.commands:
        close = difflib.get_close_matches(name, program.commands, n=1)
        advice = f"did you mean {close[0]}?" if close else f"see {program.name} --help"
        sys.stderr.write(f"{program.name}: there is no command “{name}” → {advice}\n")
        return BAD_INPUT
    as_json = "--json" in rest
    with _own_stdout() if as_json else contextlib.nullcontext(sys.stdout) as stdout:
        try:
            with output_errors(Path.cwd()):  # wherever it happens: a full disk is no bug
                return _run(program, name, rest, stdout)
        except SystemExit as end:  # tyro's own --help and usage errors
            return end.code if isinstance(end.code, int) else BAD_INPUT
        except (Exception, KeyboardInterrupt) as error:
            exit_code, problem = _explain(program, error, words)
            if as_json:
                stdout.write(json.dumps({"error": finite(problem), "exit_code": exit_code}) + "\n")
                stdout.flush()
            else:
                sys.stderr.write(f"{program.name}: {problem['message']}\n")
            return exit_code


def _run(program: Program, name: str, rest: list[str], stdout: TextIO) -> int:
    module = import_module(f"{program.rooms}.{name}")
    with _reader_may_leave(sys.stdout):  # as in “scan2sim build --help | head”
        command: Command = getattr(module, name.capitalize()).parse(rest, f"{program.name} {name}")
    with ConsoleReporter(Console(stderr=True)) as report:
        reply = command.run(report)
    with contextlib.suppress(KeyboardInterrupt) if reply.then else contextlib.nullcontext():
        with contextlib.suppress(SystemExit), _reader_may_leave(stdout):
            _print(reply, stdout, command.json)
        if reply.then:
            reply.then()
    return reply.exit_code


@contextlib.contextmanager
def _reader_may_leave(stdout: TextIO) -> Iterator[None]:
    """Let a reader that has seen enough end what is printed, quietly, with SystemExit(0)."""
    try:
        try:
            yield
        finally:
            stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        raise SystemExit(0) from None


def _explain(program: Program, error: BaseException, words: list[str]) -> tuple[int, dict[str, Any]]:
    """The exit code of an error, and what is said about it; our own bugs are written down."""
    if isinstance(error, Scan2SimError):
        return BAD_INPUT, {"message": str(error), "problem": error.problem, "todo": error.todo, "path": error.path}
    if isinstance(error, KeyboardInterrupt):
        rest = "; the same command goes on from here" if words[0] in program.resumed else ""
        return INTERRUPTED, {"message": f"interrupted{rest}", "problem": "interrupted"}
    if isinstance(error, ImportError):
        advice = "see scan2sim doctor for what is missing and how to get it"
        return OUR_BUG, {"message": f"{error} → {advice}", "problem": str(error), "todo": advice}
    problem = f"this is a bug in {program.name} ({type(error).__name__}: {error})"
    return OUR_BUG, {"message": f"{problem} → {_log_bug(program, words)}", "problem": problem}


def _print(reply: Reply, stdout: TextIO, as_json: bool) -> None:
    if as_json:
        stdout.write(json.dumps(finite(reply.data), allow_nan=False) + "\n")
    elif reply.text:
        console = Console(file=stdout, soft_wrap=True, width=None if stdout.isatty() else FILE_WIDTH)
        console.print(reply.text, markup=False, highlight=False)
    stdout.flush()


@contextlib.contextmanager
def _own_stdout() -> Iterator[TextIO]:
    """Keep stdout for the reply; whatever libraries print there, also from C, goes to stderr meanwhile."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as stdout, contextlib.redirect_stdout(sys.stderr):
            yield stdout
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _log_bug(program: Program, words: list[str]) -> str:
    """Write the traceback down, and say where; the build's own log has it too where a stage failed."""
    with contextlib.suppress(OSError):
        log = platformdirs.user_log_path("scan2sim", ensure_exists=True) / "scan2sim.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{program.name} {' '.join(words)}\n{traceback.format_exc()}\n")
        return f"please report it with the end of {log}"
    return "please report it"


def _overview(program: Program) -> str:
    width = max(map(len, program.commands))
    lines = [f"  {name:{width}}  {summary}" for name, summary in program.commands.items()]
    return "\n".join(
        [
            f"usage: {program.name} COMMAND …",
            "",
            program.about,
            "",
            *lines,
            "",
            f"{program.name} COMMAND --help shows a command's flags; every command takes --json.",
            "",
        ]
    )
