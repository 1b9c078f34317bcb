"""``scan2sim scale``: a finished scene gets its true size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro

from scan2sim.commands.command import Command, LibraryOption, Reply, SceneArgument, read_point
from scan2sim.errors import UsageError
from scan2sim.library import Library
from scan2sim.pipeline import build_of_scene, correct_scene
from scan2sim.progress import Reporter
from scan2sim.scene import (
    MESH_SIGMA,
    Scene,
    Side,
    object_named,
    scale_factor_from_length,
    scale_factor_from_object,
    scale_scene,
)

__all__ = ["Scale"]


@dataclass(frozen=True, kw_only=True)
class Scale(Command):
    """Correct the scale of a finished scene, all of it: cameras, splats, meshes, collision, masses, inertias."""

    scene: SceneArgument
    """A scene folder, a build folder, or a name in the library; it is changed in place."""
    length: float | None = None
    """A length that you measured [m] …"""
    between: Annotated[tuple[str, str] | None, tyro.conf.arg(metavar="X1,Y1,Z1 X2,Y2,Z2")] = None
    """… between these two points of the scene [m, as it is now] …"""
    of: Annotated[str | None, tyro.conf.arg(metavar="OBJECT")] = None
    """… or of this object, the longest side of the smallest box about it …"""
    side: Side = "longest"
    """… or how high it stands."""
    factor: float | None = None
    """Instead of a length: make everything this many times larger."""
    relative_sigma: float = 0.01
    """How exact that is: one standard deviation over the length; an object's mesh adds 2 % of its own."""
    library: LibraryOption = None
    """The library's folder, if not the usual one."""

    def run(self, report: Reporter) -> Reply:
        """Scale it."""
        self._check()
        folder = Library(self.library).scene_of(self.scene)
        scene = correct_scene(folder, lambda scene: scale_scene(scene, *self._factor(scene)))
        factor, source = scene.corrections[-1]["factor"], scene.corrections[-1]["source"]
        sizes = {thing.name: [float(x) for x in np.ptp(thing.visual.vertices, axis=0)] for thing in scene.objects}
        lines = [f"{name}: {' × '.join(f'{100 * x:.1f}' for x in size)} cm" for name, size in sizes.items()]
        if build := build_of_scene(folder):
            lines.append(f"next: scan2sim report {build} writes the report anew")
        text = "\n".join([f"scaled by {factor:.6g}: {folder}", *lines])
        return Reply({"scene": str(folder), "factor": factor, "source": source, "sizes": sizes}, text)

    def _check(self) -> None:
        """Refuse what does not tell one scale, before anything is read."""
        ends = (self.between is not None) + (self.of is not None)
        if (self.factor is None) == (self.length is None) or ends != (self.length is not None):
            raise UsageError(
                "either a factor, or a length between two points or of an object is needed",
                todo="give --factor F, --length METRES --between X1,Y1,Z1 X2,Y2,Z2 or --length METRES --of OBJECT",
            )

    def _factor(self, scene: Scene) -> tuple[float, str, float]:
        """How many times larger, how that is known, and how well."""
        if self.factor is not None:
            return self.factor, "factor", self.relative_sigma
        assert self.length is not None
        if self.of is not None:
            factor = scale_factor_from_object(self.length, object_named(scene, self.of), self.side)
            return factor, "object", math.hypot(self.relative_sigma, MESH_SIGMA)
        assert self.between is not None
        factor = scale_factor_from_length(self.length, *(read_point(text) for text in self.between))
        return factor, "length", self.relative_sigma
