"""A flat foot for things that would roll: where they stand, nobody saw their surface, so it may be a little flatter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import bounded_hull, is_closed
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, transform_points
from scan2sim.scene import SceneObject

__all__ = ["with_flat_foot"]

MAX_VERTICES = 256  # of a collision piece that is cut


def with_flat_foot(thing: SceneObject, depth: float, up: NDArray[np.float64]) -> SceneObject:
    """The object without the lowest ``depth`` [m] of its mesh and collision pieces, as it stands in the scene.

    ``up`` (3,) is the unit normal of what it stands on: on a tilted table the lowest part is not the one below.

    A round thing of radius r then stands on a disc of radius √(2 r depth): 7 mm for a lemon and 1 mm.  Mass and
    inertia stay as they are.
    """
    corners = np.concatenate([transform_points(thing.world_from_object, piece.vertices) for piece in thing.collision])
    level = float((corners @ up).min()) + depth
    pieces = tuple(cut for piece in thing.collision if (cut := _above(thing, piece, level, up)) is not None)
    visual = thing.visual.copy()
    places = transform_points(thing.world_from_object, visual.vertices)
    places += np.maximum(level - places @ up, 0)[:, None] * up
    visual.vertices = transform_points(inverse_transform(thing.world_from_object), places)
    return replace(thing, collision=pieces or thing.collision, visual=visual if is_closed(visual) else thing.visual)


def _above(thing: SceneObject, piece: trimesh.Trimesh, level: float, up: NDArray[np.float64]) -> trimesh.Trimesh | None:
    """What of a convex piece lies above a height of the scene; None if nothing does."""
    places = transform_points(thing.world_from_object, piece.vertices)
    height = places @ up
    if height.min() >= level:
        return piece
    edges = piece.edges_unique
    edges = edges[(height[edges].min(1) < level) & (height[edges].max(1) > level)]
    start, end = places[edges[:, 0]], places[edges[:, 1]]
    share = (level - height[edges[:, 0]]) / (height[edges[:, 1]] - height[edges[:, 0]])
    cut = start + share[:, None] * (end - start)
    kept = np.concatenate([places[height >= level], cut])
    try:
        return bounded_hull(transform_points(inverse_transform(thing.world_from_object), kept), MAX_VERTICES)
    except SceneError:  # a sliver
        return None
