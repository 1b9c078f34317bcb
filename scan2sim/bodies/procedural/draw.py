"""A shape of a family, drawn by chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scan2sim.bodies.procedural.blocks import Drawn, book, box, bracket, tee, wedge
from scan2sim.bodies.procedural.rounds import (
    bottle,
    can,
    capsule,
    ellipsoid,
    frustum,
    lemon,
    pear,
    potato,
    ring,
    spoon,
)
from scan2sim.bodies.procedural.shape import ProceduralShape
from scan2sim.bodies.procedural.vessels import bowl, cup, jar, mug, plate, tray
from scan2sim.errors import UsageError

__all__ = ["FAMILIES", "procedural_shape"]

_DRAWN: dict[str, tuple[Callable[[np.random.Generator], Drawn], float, float]] = {
    # how it is drawn, and between which sizes [m] there are such things in a household
    "book": (book, 0.08, 0.20),
    "bottle": (bottle, 0.10, 0.20),
    "bowl": (bowl, 0.08, 0.18),
    "box": (box, 0.03, 0.15),
    "bracket": (bracket, 0.04, 0.12),
    "can": (can, 0.05, 0.15),
    "capsule": (capsule, 0.04, 0.15),
    "cup": (cup, 0.06, 0.12),
    "ellipsoid": (ellipsoid, 0.03, 0.12),
    "frustum": (frustum, 0.04, 0.12),
    "jar": (jar, 0.06, 0.15),
    "lemon": (lemon, 0.05, 0.10),
    "mug": (mug, 0.08, 0.14),
    "pear": (pear, 0.07, 0.12),
    "plate": (plate, 0.12, 0.20),
    "potato": (potato, 0.05, 0.12),
    "ring": (ring, 0.05, 0.15),
    "spoon": (spoon, 0.12, 0.20),
    "tee": (tee, 0.05, 0.15),
    "tray": (tray, 0.10, 0.20),
    "wedge": (wedge, 0.04, 0.12),
}
FAMILIES: tuple[str, ...] = tuple(_DRAWN)


def procedural_shape(
    family: str,
    rng: np.random.Generator,
    size: float | None = None,  # [m] its longest side; None draws one that is usual for the family
) -> ProceduralShape:
    """A closed, non-self-intersecting mesh of a household shape with convex pieces that are known by how it was made.

    It stands, or lies, on z = 0 with its centre of mass over a side of its hull, and the middle of its bounds is over
    the origin but for vessels, whose axis is; what rolls has hulls of at least 200 corners altogether.

    Raises:
        UsageError: there is no such family, or the size is not positive.
    """
    if family not in _DRAWN:
        raise UsageError(f"no family of shapes called {family!r}", todo=f"there are {', '.join(FAMILIES)}")
    if size is not None and not (np.isfinite(size) and size > 0):
        raise UsageError(f"a shape of size {size:g} m", todo="give a positive length")
    draw, smallest, largest = _DRAWN[family]
    longest = float(rng.uniform(smallest, largest))
    mesh, pieces, parameters = draw(rng)
    scale = (size or longest) / float(mesh.extents.max())
    low, middle = mesh.bounds[0], mesh.bounds.mean(0)
    axis = family in ("cup", "mug")
    offset = -np.array([0.0 if axis else middle[0], 0.0 if axis else middle[1], low[2]])
    for part in (mesh, *pieces):
        part.apply_translation(offset)
        part.apply_scale(scale)
    values = {"size": float(size or longest), **{name: float(value) for name, value in parameters.items()}}
    return ProceduralShape(family, mesh, tuple(pieces), values)
