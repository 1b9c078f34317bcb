"""Objects made from numbers: their pieces are known and they have no picture, so they take about a second."""

from __future__ import annotations

from functools import cache

import numpy as np

from scan2sim.bodies import procedural_shape
from scan2sim.scene import Label, ObjectConfig, SceneObject, object_from_mesh, surface_splats


@cache
def shaped(
    family: str,
    seed: int = 0,
    size: float | None = None,
    rgb: tuple[float, float, float] = (0.5, 0.5, 0.5),
) -> SceneObject:
    """An object of a family, standing on z = 0."""
    shape = procedural_shape(family, np.random.default_rng(seed), size)
    return object_from_mesh(
        1,
        family,
        Label(family, 1.0, "person"),
        shape.mesh,
        surface_splats(shape.mesh, lambda points: np.tile(rgb, (len(points), 1)), 300),
        ObjectConfig(texture=0),
        pieces=shape.pieces,
    )
