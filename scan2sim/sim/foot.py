"""A flat foot for things that would roll: where they stand, nobody saw their surface, so it may be a little flatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.spatial import Delaunay, QhullError

from scan2sim.bodies import bounded_hull, crossings, is_closed
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, rotation_between, transform_points
from scan2sim.scene import SceneObject

__all__ = ["foot_corners", "heights_over", "slope_beneath", "with_flat_foot", "with_steady_foot"]

MAX_VERTICES = 256  # of a collision piece that is cut
ACROSS = 24  # places across a foot at which the height beneath it is taken
STEEP = 0.3  # tangent of the steepest slope, along each side, on which a flat foot helps
ROUNDS = 2  # on a slope the lowest part is another one
LEVEL = 1e-6  # [m] by which what is cut off may miss the cut

Array = NDArray[np.float64]


def with_steady_foot(
    thing: SceneObject,
    depth: float,  # [m]
    up: Array,  # (3,) unit normal of the table
    carriers: Sequence[trimesh.Trimesh],  # convex, scene frame: what may carry it
) -> SceneObject:
    """The object with a flat foot along the ground beneath it, which need not be level: it stands as it was seen."""
    footed = with_flat_foot(thing, depth, up)
    for _ in range(ROUNDS):
        up = slope_beneath(footed, up, carriers)
        footed = with_flat_foot(thing, depth, up)
    return footed


def with_flat_foot(thing: SceneObject, depth: float, up: Array) -> SceneObject:
    """The object with the lowest ``depth`` [m] of its mesh and collision pieces drawn down to a flat foot.

    It stands as high as it was seen: what is at ``depth`` over its lowest point becomes the foot's rim, at the height
    of that point.  ``up`` (3,) is the unit normal of what it stands on: on a tilted table the lowest part is not the
    one below.  A round thing of radius r then stands on a disc of radius √(2 r depth): 7 mm for a lemon and 1 mm.
    Mass and inertia stay as they are.
    """
    corners = np.concatenate([transform_points(thing.world_from_object, piece.vertices) for piece in thing.collision])
    lowest = float((corners @ up).min())
    pieces = tuple(
        footed for piece in thing.collision if (footed := _footed(thing, piece, lowest, depth, up)) is not None
    )
    visual = thing.visual.copy()
    places = transform_points(thing.world_from_object, visual.vertices)
    height = places @ up
    places -= np.where(height < lowest + depth, height - lowest, 0)[:, None] * up
    visual.vertices = transform_points(inverse_transform(thing.world_from_object), places)
    return replace(thing, collision=pieces or thing.collision, visual=visual if is_closed(visual) else thing.visual)


def slope_beneath(
    thing: SceneObject,  # with a flat foot
    up: Array,  # (3,) unit: the foot's normal
    carriers: Sequence[trimesh.Trimesh],  # convex, scene frame: what may carry it
) -> Array:  # (3,) unit
    """The normal of the plane on which a thing's flat foot comes to rest, on ground that need not be flat.

    That is the lowest plane, over the middle of the foot, through which nothing beneath the foot sticks: a facet of
    the ground's upper hull (a linear program).  Any other foot tilts onto it, and a round thing turns with its foot.
    It is ``up`` where nothing is beneath the foot, and leans no farther than a flat foot helps where ground is steep.
    """
    frame = rotation_between([0, 0, 1], up)  # columns: two directions of the foot's plane, up
    foot = (foot_corners(thing, up) @ frame)[:, :2]
    try:
        inside = Delaunay(foot)
    except QhullError:  # no foot to speak of
        return up
    low, high = foot.min(0), foot.max(0)
    places = np.stack(np.meshgrid(*np.linspace(low, high, ACROSS).T), -1).reshape(-1, 2)
    places = np.concatenate([places[inside.find_simplex(places) >= 0], foot])
    heights = np.max([heights_over(piece, frame, places) for piece in carriers], axis=0, initial=-np.inf)
    known = np.isfinite(heights)
    if not known.any():
        return up
    middle = (low + high) / 2
    away = np.column_stack([np.ones(known.sum()), places[known] - middle])
    bounds = [(None, None), (-STEEP, STEEP), (-STEEP, STEEP)]
    plane = linprog([1, 0, 0], A_ub=-away, b_ub=-heights[known], bounds=bounds)
    if not plane.success:
        return up
    normal = frame @ np.array([-plane.x[1], -plane.x[2], 1.0])
    return normal / np.linalg.norm(normal)


def foot_corners(thing: SceneObject, up: Array) -> Array:  # (3,) to (N, 3) [m], scene
    """The lowest corners of a thing's pieces: those of its foot if it has a flat one."""
    corners = np.concatenate([transform_points(thing.world_from_object, piece.vertices) for piece in thing.collision])
    height = corners @ up
    return corners[height < height.min() + LEVEL]


def heights_over(
    piece: trimesh.Trimesh,  # convex, scene frame
    frame: Array,  # (3, 3) columns: two directions of a plane, and its normal
    places: Array,  # (N, 2) [m] in that plane
) -> Array:  # (N,) [m]
    """How high a convex piece reaches above places of a plane; -inf where it is not."""
    normals = piece.face_normals @ frame
    levels = (normals * (piece.triangles[:, 0] @ frame)).sum(1)
    ahead = levels - places @ normals[:, :2].T  # (N, F) [m], normals' z times the height is at most this
    z = normals[:, 2]
    upper, lower, side = z > LEVEL, z < -LEVEL, np.abs(z) <= LEVEL
    top = (ahead[:, upper] / z[upper]).min(1, initial=np.inf)
    bottom = (ahead[:, lower] / z[lower]).max(1, initial=-np.inf)
    return np.where((top >= bottom) & (ahead[:, side] >= 0).all(1), top, -np.inf)


def _footed(
    thing: SceneObject, piece: trimesh.Trimesh, lowest: float, depth: float, up: Array
) -> trimesh.Trimesh | None:
    """A convex piece with what is less than ``depth`` over the lowest height drawn down to it; None if nothing is left.

    Its section at that height is drawn down with it.
    """
    height = transform_points(thing.world_from_object, piece.vertices) @ up - (lowest + depth)
    if height.min() >= 0:
        return piece
    rim, down = crossings(piece, height), inverse_transform(thing.world_from_object)[:3, :3] @ (-depth * up)
    try:
        return bounded_hull(np.concatenate([piece.vertices[height >= 0], rim, rim + down]), MAX_VERTICES)
    except SceneError:  # a sliver
        return None
