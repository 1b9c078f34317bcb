"""``scan2sim export``: a scene in the format of a simulator or a viewer of splats."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from scan2sim.commands.command import Command, LibraryOption, OutputFolder, Reply, SceneArgument
from scan2sim.cousins.many import open_cousins
from scan2sim.errors import ExportError, UsageError
from scan2sim.export import EXPORTERS, parity, parity_text
from scan2sim.library import Library
from scan2sim.progress import Reporter
from scan2sim.scene import Scene, load_scene

__all__ = ["Export"]

FAILED = 2


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a scene in the format of a simulator or a splat viewer, and open it to see that it works."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library."""
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FORMAT…|all")]
    """Formats, as in mjcf, gymnasium or spz; several go into folders of their own below the output folder."""
    output: OutputFolder
    """Where the export goes."""
    overwrite: bool = False
    """Replace an export that is there."""
    strict_scale: bool = False
    """Refuse a scene whose scale is only a guess."""
    robot: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A robot of MuJoCo Menagerie to put beside the support, as in franka_emika_panda; for mjcf."""
    require_check: bool = False
    """Fail when the export does not pass its check, or cannot be checked here because its simulator is absent."""
    cousins: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder that scan2sim cousins made of this scene: they become variants of the export (usd, isaaclab)."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Write and check every format."""
        formats = _formats(self.to)
        if self.robot and not any(EXPORTERS[name].holds_robot for name in formats):
            able = ", ".join(name for name, each in EXPORTERS.items() if each.holds_robot)
            raise UsageError(f"--robot: {', '.join(formats)} has no room for a robot", todo=f"export to {able}")
        library = Library(self.library)
        folder = library.scene_of(self.scene)
        scene = load_scene(folder)
        if self.strict_scale and scene.scale.get("source") == "guess":
            raise ExportError(
                "the scale of this scene is a guess", path=folder, todo="give it its true size with scan2sim scale"
            )
        more: dict[str, Any] = {}
        if self.cousins is not None:
            if other := [name for name in formats if not EXPORTERS[name].holds_cousins]:
                raise UsageError(
                    f"--cousins: {other[0]} holds one scene",
                    todo="leave it to --to usd and isaaclab; export a cousin by its own folder",
                )
            more["cousins"] = open_cousins(self.cousins, folder)
        exports = []
        for done, name in enumerate(formats):
            report("exporting", done, len(formats))
            exports.append(self._write(scene, name, library.title_of(folder), more, alone=len(formats) == 1))
        report("exporting", len(formats), len(formats))
        unchecked = [export for export in exports if not export["check"].get("passed")]
        failed = any(export["path"] is None for export in exports) or (self.require_check and unchecked)
        table = parity({export["format"]: export["check"] for export in exports})
        text = "\n".join([*map(_line, exports), parity_text(table) if len(exports) > 1 else ""]).rstrip()
        return Reply({"exports": exports, "parity": table}, text, FAILED if failed else 0)

    def _write(self, scene: Scene, name: str, title: str, more: dict[str, Any], *, alone: bool) -> dict[str, Any]:
        """Write and check one format; one of several that is impossible for this scene does not stop the others."""
        exporter, folder = EXPORTERS[name], self.output if alone else self.output / name
        if self.robot and exporter.holds_robot:
            more = {**more, "robot": self.robot}
        try:
            written = exporter.write(scene, folder, title, self.overwrite, **more)
        except ExportError as problem:
            if alone:
                raise
            return {"format": name, "path": None, "check": {"passed": False, "problems": [str(problem)]}}
        try:
            figures = exporter.check(folder)
        except ExportError as problem:
            if alone:
                raise
            figures = {"passed": False, "problems": [str(problem)]}
        except ModuleNotFoundError as absent:
            figures = {"passed": None, "problems": [f"not checked: {absent.name} is not installed"]}
        return {"format": name, "path": str(written), "check": figures}


def _formats(wanted: tuple[str, ...]) -> list[str]:
    if "all" in wanted:
        return list(EXPORTERS)
    for name in wanted:
        if name not in EXPORTERS:
            close = difflib.get_close_matches(name, EXPORTERS, n=1)
            advice = f"did you mean {close[0]}?" if close else f"choose from {', '.join(EXPORTERS)}, all"
            raise UsageError(f"--to {name}: there is no such format", todo=advice)
    return list(dict.fromkeys(wanted))


def _line(export: dict[str, Any]) -> str:
    problems = "; ".join(map(str, export["check"].get("problems", ())))
    verdict = EXPORTERS[export["format"]].verdict if export["check"].get("passed") else problems
    return f"{export['format']}: {export['path'] or 'not written'}: {verdict}"
