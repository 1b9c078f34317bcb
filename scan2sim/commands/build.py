"""``scan2sim build``: a capture becomes a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import tyro
from rich.console import Group, RenderableType
from rich.table import Table

from scan2sim.commands.command import Command, LibraryOption, Reply
from scan2sim.library import Library
from scan2sim.pipeline import BuildConfig, Quality, StageRecord, build_capture, build_config, build_status
from scan2sim.progress import Reporter
from scan2sim.report import Verdict, gate
from scan2sim.scene import Scene, load_scene

__all__ = ["Build"]

StageName = Literal["capture", "poses", "splats", "objects", "scene", "report"]


@dataclass(frozen=True)
class _Preset:
    """What decides the defaults of all other settings."""

    quality: Quality = "draft"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Build(Command):
    """Turn a capture into a scene of separate objects; a repeated call goes on where the last one stopped."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME|PATH")]
    """A capture in the library, or a folder of photos, a zip, a video, or finished splats (PLY, SPZ, .splat)."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = None
    """The build's folder; if left out, in the library for a name, and ./outputs/<name> for a path."""
    start: Annotated[StageName | None, tyro.conf.arg(name="from")] = None
    """Run again from this stage on, whether something has changed or not."""
    until: StageName | None = None
    """Stop after this stage."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""
    config: Annotated[BuildConfig, tyro.conf.arg(name="")] = field(default_factory=build_config)
    """Settings of every stage."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> Self:
        """Read ``--quality`` and ``--seed`` first: they decide the defaults of the stages' own settings."""
        preset, _ = tyro.cli(_Preset, prog=program, args=list(arguments), return_unknown_args=True, add_help=False)
        return tyro.cli(
            cls,
            prog=program,
            args=list(arguments),
            default=cls(source=tyro.MISSING, config=build_config(preset.quality, seed=preset.seed)),
            config=(tyro.conf.FlagCreatePairsOff,),
        )

    def run(self, report: Reporter) -> Reply:
        """Run what is not up to date."""
        source, folder = Library(self.library).capture_of(self.source)
        build = self.output or folder
        records = build_capture(source, build, self.config, start=self.start, until=self.until, report=report)
        warnings = [warning for record in records for warning in record.warnings]
        seconds = {record.stage: record.seconds for record in records}
        data: dict[str, Any] = {"build": str(build), "seconds": seconds, "warnings": warnings}
        scene_folder = build_status(build).scene
        if scene_folder is None or records[-1].stage not in ("scene", "report"):
            return Reply(data | {"scene": None}, f"{build}: done until {records[-1].stage}")
        scene, verdict = load_scene(scene_folder), gate(build)
        data |= {
            "scene": str(scene_folder),
            "objects": [_object_figures(scene, index) for index in range(len(scene.objects))],
            "quality": scene.quality,
            "verdict": verdict.as_dict(),
        }
        return Reply(data, _summary(scene, scene_folder, build, records, verdict))


def _object_figures(scene: Scene, index: int) -> dict[str, Any]:
    thing = scene.objects[index]
    mass = thing.physical.mass
    return {
        "id": thing.id,
        "name": thing.name,
        "label": thing.label.text,
        "size": [round(float(x), 5) for x in np.ptp(thing.visual.vertices, axis=0)],
        "mass": {"value": mass.value, "low": mass.low, "high": mass.high, "source": mass.source},
    }


def _summary(
    scene: Scene, scene_folder: Path, build: Path, records: tuple[StageRecord, ...], verdict: Verdict
) -> RenderableType:
    table = Table("object", "label", "size [cm]", "mass [g]", box=None, pad_edge=False)
    for index, thing in enumerate(scene.objects):
        size = " × ".join(f"{100 * x:.1f}" for x in _object_figures(scene, index)["size"])
        mass = thing.physical.mass
        grams = f"{1e3 * mass.value:.3g} ({1e3 * mass.low:.3g} to {1e3 * mass.high:.3g})"
        table.add_row(thing.name, thing.label.text, size, grams)
    psnr, views = scene.quality.get("held_out_psnr"), scene.quality.get("held_out_views")
    photos = "no photo was held out" if psnr is None else f"held-out PSNR {psnr:.1f} dB ({views} views)"
    lines = [
        *(f"warning: {warning}" for record in records for warning in record.warnings),
        f"{photos} · {sum(record.seconds for record in records):.0f} s",
        f"verdict: {verdict.headline}",
        *(f"  {check.name}: {check.reason}" + (f" → {check.todo}" if check.todo else "") for check in verdict.reasons),
        f"scene: {scene_folder}",
        f"report: {build / 'report.html'}",
        f"next: scan2sim view {build} · scan2sim export {build} --to mjcf -o DIR",
    ]
    return Group(table, "\n".join(lines)) if scene.objects else "\n".join(lines)
