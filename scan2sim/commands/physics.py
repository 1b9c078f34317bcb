"""``scan2sim physics``: measured values and materials in place of guesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.table import Table

from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.pipeline import correct_scene
from scan2sim.progress import Reporter
from scan2sim.scene import Estimate, Scene, load_scene, set_material, set_measured

__all__ = ["Physics"]

Assignments = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE …")]
PROPERTIES = ("mass", "friction", "restitution", "volume")


@dataclass(frozen=True, kw_only=True)
class Physics(Command):
    """Say what objects weigh and are made of; without that, list what the scene believes."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library; it is changed in place."""
    mass: Assignments = ()
    """Measured masses [kg], as in lemon=0.11."""
    friction: Assignments = ()
    """Measured coefficients of sliding friction."""
    restitution: Assignments = ()
    """Measured coefficients of restitution, 0 to 1."""
    material: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=MATERIAL …")] = ()
    """What objects are made of, as in cup=ceramic."""
    relative_sigma: float = 0.01
    """How exact measured values are: one standard deviation over the value."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Set and list."""
        folder = Library(self.library).scene_of(self.scene)
        changes = self.mass or self.friction or self.restitution or self.material
        scene = correct_scene(folder, self._corrected) if changes else load_scene(folder)
        table = Table("object", "mass [g]", "friction", "restitution", "volume [ml]")
        data = {}
        for thing in scene.objects:
            estimates = {key: getattr(thing.physical, key) for key in PROPERTIES}
            data[thing.name] = {key: vars(estimate) for key, estimate in estimates.items()}
            units = (1e3, 1.0, 1.0, 1e6)
            table.add_row(thing.name, *(_cell(e, unit) for e, unit in zip(estimates.values(), units, strict=True)))
        return Reply({"scene": str(folder), "objects": data}, table)

    def _corrected(self, scene: Scene) -> Scene:
        for name, material in _pairs(self.material, "cup=ceramic"):
            scene = set_material(scene, name, material)
        measured: dict[str, dict[str, float]] = {}
        for key in ("mass", "friction", "restitution"):
            for name, text in _pairs(getattr(self, key), "lemon=0.11"):
                measured.setdefault(name, {})[key] = _number(text)
        for name, values in measured.items():
            scene = set_measured(scene, name, values, self.relative_sigma)
        return scene


def _pairs(assignments: Sequence[str], example: str) -> list[tuple[str, str]]:
    pairs = []
    for text in assignments:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UsageError(f"“{text}” says nothing", todo=f"give the object's name and a value, as in {example}")
        pairs.append((name, value))
    return pairs


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"“{text}” is no number", todo="give a decimal number, as in lemon=0.11") from None


def _cell(estimate: Estimate, unit: float) -> str:
    low, value, high = (unit * number for number in (estimate.low, estimate.value, estimate.high))
    return f"{value:.3g} ({low:.3g} to {high:.3g}), {estimate.source}"
