"""``scan2sim check``: does an export, or a scene, work in its simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, Reply
from scan2sim.export import check
from scan2sim.progress import Reporter

__all__ = ["Check"]

DOES_NOT_WORK = 2


@dataclass(frozen=True, kw_only=True)
class Check(Command):
    """Open an export or a scene in its own simulator and step it; exit code 2 when it does not work."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """The folder of an export, a scene or a build."""

    def run(self, report: Reporter) -> Reply:
        """Check it."""
        figures = check(self.folder, report)
        lines = [f"{name}: {value}" for name, value in figures.items() if name not in ("passed", "problems")]
        lines += [f"problem: {problem}" for problem in figures["problems"]]
        verdict = "works" if figures["passed"] else "does not work"
        return Reply(
            figures, "\n".join([*lines, f"{self.folder} {verdict}"]), 0 if figures["passed"] else DOES_NOT_WORK
        )
