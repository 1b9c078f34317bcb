"""``scan2sim evaluate``: a scene against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Group
from rich.table import Table

from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument
from scan2sim.library import Library
from scan2sim.progress import Reporter
from scan2sim.report import evaluate, read_truth
from scan2sim.scene import load_scene

__all__ = ["Evaluate"]

COLUMNS = {
    "truth": "object",
    "name": "found as",
    "iou": "IoU",
    "f_2mm": "F 2 mm",
    "f_5mm": "F 5 mm",
    "seen_f_2mm": "F 2 mm, seen",
    "mean_distance_mm": "distance [mm]",
    "box_error_mm": "box [mm]",
    "collision_mm": "collision [mm]",
}


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Hold a scene against the truth: objects, shapes, masks and what lies behind them."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library."""
    truth: Annotated[Path, tyro.conf.arg(metavar="F")]
    """The truth file; meshes, masks and empty views lie beside it (docs/evaluation.md)."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Evaluate it."""
        scene = load_scene(Library(self.library).scene_of(self.scene))
        figures = evaluate(scene, read_truth(self.truth), report)
        table = Table()
        for title in COLUMNS.values():
            table.add_column(title)
        for row in figures["objects"]:
            table.add_row(*(_cell(row[key]) for key in COLUMNS))
        rest = [f"{name.replace('_', ' ')}: {_cell(value)}" for name, value in figures.items() if name != "objects"]
        return Reply(figures, Group(table, *rest))


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
