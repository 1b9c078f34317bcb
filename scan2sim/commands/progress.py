"""Progress for a person: bars with an ETA on a terminal, now and then a line anywhere else."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["ConsoleReporter"]

QUIET_SECONDS = 2.0  # what ends sooner is not worth a line
LINE_SECONDS = 10.0  # between two lines about the same work


@dataclass
class _Work:
    """What is known about work that lines are written about."""

    started: float  # [s] when it was first heard of
    first: int  # units that were finished then
    next_line: float  # [s] not before this time


class ConsoleReporter:
    """A ``scan2sim.progress.Reporter`` that draws on stderr; stdout belongs to the result."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = _bars(console) if console.is_terminal else None
        self._tasks: dict[str, TaskID] = {}
        self._works: dict[str, _Work] = {}

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` units of ``what`` are finished (total 0 = unknown)."""
        if self._bars:
            self._draw(self._bars, what, done, total)
        else:
            self._speak(what, done, total)

    def _draw(self, bars: Progress, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = bars.add_task(what, total=total or None)
        bars.update(self._tasks[what], completed=done, total=total or None)

    def _speak(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        work = self._works.setdefault(what, _Work(now, done, now + QUIET_SECONDS))
        spent = now - work.started
        if 0 < total <= done:
            del self._works[what]  # the same words later are new work
            if spent >= QUIET_SECONDS:
                self._say(f"{what}: done in {spent:.0f} s")
        elif now >= work.next_line:
            work.next_line = now + LINE_SECONDS
            pace = spent / (done - work.first) if done > work.first else None
            left = f", {pace * (total - done):.0f} s left" if pace and total else ""
            self._say(f"{what}: {done}/{total}{left}" if total else f"{what}: {spent:.0f} s")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=console,
    )
