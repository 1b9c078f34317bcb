"""``scan2sim status``: how far one build is."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group
from rich.table import Table

from scan2sim.commands.command import BuildArgument, Command, LibraryOption, Reply
from scan2sim.library import Library
from scan2sim.pipeline import build_status
from scan2sim.progress import Reporter
from scan2sim.report import gate

__all__ = ["Status"]


@dataclass(frozen=True, kw_only=True)
class Status(Command):
    """Show which stages of a build are done, how long they took, and the verdict."""

    name: BuildArgument
    """A capture in the library, or a build folder."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Read the build's records."""
        build = Library(self.library).build_of(self.name)
        status = build_status(build)
        verdict = gate(build) if status.scene else None
        table = Table("stage", "state", "seconds", "peak MiB", "warnings", box=None, pad_edge=False)
        stages = []
        for stage in status.stages:
            record = stage.record
            stages.append(
                {"name": stage.name, "state": stage.state}
                | ({"seconds": record.seconds, "peak_memory_mib": record.peak_memory_mib} if record else {})
                | ({"figures": record.figures, "warnings": record.warnings} if record else {})
            )
            seconds, memory = (f"{record.seconds:.1f}", f"{record.peak_memory_mib:.0f}") if record else ("", "")
            table.add_row(stage.name, stage.state, seconds, memory, str(len(record.warnings)) if record else "")
        data = {"build": str(build), "stages": stages, "scene": str(status.scene) if status.scene else None}
        line = f"verdict: {verdict.headline}" if verdict else f"no scene yet; next: scan2sim build {self.name}"
        return Reply(data | {"verdict": verdict.as_dict() if verdict else None}, Group(table, line))
