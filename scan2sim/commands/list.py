"""``scan2sim list``: what the library holds."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from scan2sim.commands.command import Command, LibraryOption, Reply
from scan2sim.library import Library
from scan2sim.pipeline import build_status
from scan2sim.progress import Reporter

__all__ = ["List"]


@dataclass(frozen=True, kw_only=True)
class List(Command):
    """Show the captures in the library and how far their builds are."""

    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """List them."""
        library = Library(self.library)
        table = Table("name", "files", "stages done", "scene", box=None, pad_edge=False)
        captures = []
        for entry in library.entries():
            status = build_status(entry.build)
            done = [stage.name for stage in status.stages if stage.state == "done"]
            captures.append(
                {"name": entry.name, "files": len(entry.digests), "uploaded": entry.uploaded, "stages": done}
                | {"scene": str(status.scene) if status.scene else None}
            )
            table.add_row(
                entry.name, str(len(entry.digests)), ", ".join(done) or "none", "yes" if status.scene else "no"
            )
        empty = f"the library {library.folder} is empty; next: scan2sim upload PATH"
        return Reply({"library": str(library.folder), "captures": captures}, table if captures else empty)
