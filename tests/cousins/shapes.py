"""Objects made from numbers, quickly: their pieces are known, nobody measures how near those are, and no picture."""

from __future__ import annotations

from functools import cache

import numpy as np
from trimesh import Trimesh

from scan2sim.bodies import estimate_physical, procedural_shape
from scan2sim.scene import Label, Physical, SceneObject, surface_splats


@cache
def shaped(
    family: str,
    seed: int = 0,
    size: float | None = None,
    rgb: tuple[float, float, float] = (0.5, 0.5, 0.5),
) -> SceneObject:
    """An object of a family, standing on z = 0."""
    shape = procedural_shape(family, np.random.default_rng(seed), size)
    body = estimate_physical(shape.mesh)
    visual, *pieces = (moved(part, -body.center_of_mass) for part in (shape.mesh, *shape.pieces))
    return SceneObject(
        id=1,
        name=family,
        label=Label(family, 1.0, "person"),
        position=body.center_of_mass,
        wxyz=np.array([1.0, 0, 0, 0]),
        gaussians=surface_splats(visual, lambda points: np.tile(rgb, (len(points), 1)), 300),
        visual=visual,
        collision=tuple(pieces),
        physical=Physical(body.mass, body.friction, body.restitution, body.volume, np.zeros(3), body.inertia),
    )


def moved(mesh: Trimesh, offset: np.ndarray) -> Trimesh:
    return Trimesh(mesh.vertices + offset, mesh.faces, process=False)
