"""A flat foot for things that would roll: where they stand, nobody saw their surface, so it may be a little flatter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh

from scan2sim.bodies import bounded_hull, is_closed
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, transform_points
from scan2sim.scene import SceneObject

__all__ = ["with_flat_foot"]

MAX_VERTICES = 256  # of a collision piece that is cut


def with_flat_foot(thing: SceneObject, depth: float) -> SceneObject:
    """The object without the lowest ``depth`` [m] of its mesh and collision pieces, as it stands in the scene.

    A round thing of radius r then stands on a disc of radius √(2 r depth): 7 mm for a lemon and 1 mm.  Mass and
    inertia stay as they are.
    """
    corners = np.concatenate([transform_points(thing.world_from_object, piece.vertices) for piece in thing.collision])
    level = float(corners[:, 2].min()) + depth
    pieces = tuple(cut for piece in thing.collision if (cut := _above(thing, piece, level)) is not None)
    visual = thing.visual.copy()
    places = transform_points(thing.world_from_object, visual.vertices)
    places[:, 2] = np.maximum(places[:, 2], level)
    visual.vertices = transform_points(inverse_transform(thing.world_from_object), places)
    return replace(thing, collision=pieces or thing.collision, visual=visual if is_closed(visual) else thing.visual)


def _above(thing: SceneObject, piece: trimesh.Trimesh, level: float) -> trimesh.Trimesh | None:
    """What of a convex piece lies above a height of the scene; None if nothing does."""
    places = transform_points(thing.world_from_object, piece.vertices)
    if places[:, 2].min() >= level:
        return piece
    ends = places[piece.edges_unique]  # (E, 2, 3)
    lower, upper = ends[..., 2].min(1), ends[..., 2].max(1)
    crossing = ends[(lower < level) & (upper > level)]
    share = (level - crossing[:, :1, 2]) / (crossing[:, 1:, 2] - crossing[:, :1, 2])
    cut = crossing[:, 0] + share * (crossing[:, 1] - crossing[:, 0])
    kept = np.concatenate([places[places[:, 2] >= level], cut])
    try:
        return bounded_hull(transform_points(inverse_transform(thing.world_from_object), kept), MAX_VERTICES)
    except SceneError:  # a sliver
        return None
