"""``scan2sim report``: the quality report, and whether its gate says yes."""

from __future__ import annotations

from dataclasses import dataclass

from scan2sim.commands.command import BuildArgument, Command, LibraryOption, Reply
from scan2sim.library import Library
from scan2sim.progress import Reporter
from scan2sim.report import gate, write_report

__all__ = ["Report"]

GATE_SAYS_NO = 3


@dataclass(frozen=True, kw_only=True)
class Report(Command):
    """Write the quality report of a build or a scene; exit code 3 when the gate says no."""

    name: BuildArgument
    """A capture in the library, a build folder or a scene folder."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Write report.html and judge."""
        build = Library(self.library).build_of(self.name)
        page, verdict = write_report(build, report), gate(build)
        lines = [f"{check.color:8} {check.name}: {check.reason}" for check in verdict.checks]
        lines += [f"→ {check.todo}" for check in verdict.reasons if check.todo]
        text = "\n".join([*lines, f"verdict: {verdict.headline}", f"report: {page}"])
        return Reply({"report": str(page)} | verdict.as_dict(), text, 0 if verdict.passed else GATE_SAYS_NO)
