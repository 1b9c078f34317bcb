"""``scan2sim upload``: captures into the library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, LibraryOption, Reply
from scan2sim.library import Library
from scan2sim.progress import Reporter

__all__ = ["Upload"]


@dataclass(frozen=True, kw_only=True)
class Upload(Command):
    """Copy captures into the library: folders of photos, zips, videos, or several photos."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH…")]
    """What to copy; several photos make one capture."""
    name: str | None = None
    """Name in the library, of a-z, 0-9 and -; made from the file's name if left out."""
    keep_private: bool = False
    """Leave places (GPS) and names of devices in the library's copies; they are removed otherwise."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Copy them."""
        entries = Library(self.library).upload(self.paths, self.name, report, keep_private=self.keep_private)
        captures = [{"name": e.name, "folder": str(e.folder), "files": len(e.digests)} for e in entries]
        lines = [f"{e.name}: {len(e.digests)} files in {e.folder}" for e in entries]
        return Reply({"captures": captures}, "\n".join([*lines, f"next: scan2sim build {entries[0].name}"]))
