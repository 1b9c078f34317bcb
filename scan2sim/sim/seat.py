"""A level seat in what carries a thing that would slide or roll off it: where both touch nobody saw their surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import bounded_hull, crossings
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, rotation_between, transform_points
from scan2sim.scene import SceneObject
from scan2sim.sim.bulges import refitted
from scan2sim.sim.foot import foot_corners, heights_over

__all__ = ["with_level_seat"]

ACROSS = 24  # places across a seat at which the height of what carries it is taken
MARGIN = 0.001  # [m] of the seat around the foot
STEEP = 0.3  # how far the ground beneath a foot rises and falls, as a share of the seat's longer side, or it gets none
FACING_UP = 0.5  # cosine to ``up`` of the normals of surface that is levelled
CORNERS = 64  # of a piece that was cut, at most; or as many as it had

Array = NDArray[np.float64]


def with_level_seat(
    carrier: SceneObject,
    thing: SceneObject,  # with a flat foot
    up: Array,  # (3,) unit: the foot's normal
) -> SceneObject:
    """The carrier with its surface beneath a thing's flat foot level, at the height of the foot.

    The convex pieces beneath the foot are cut along the upright rectangle around it, and what of them lies in the
    rectangle ends at the foot's height, or as near to it as the ground there comes.  Where that is too steep for a
    seat, as on the flank of a bowl, the carrier stays as it is.  Mass and inertia stay, too.  The figure
    ``seat_levelled_mm`` tells by how much the surface was moved at most.
    """
    frame = rotation_between([0, 0, 1], up)  # columns: two directions of the foot's plane, up
    foot = foot_corners(thing, up) @ frame
    low, high = foot[:, :2].min(0) - MARGIN, foot[:, :2].max(0) + MARGIN
    own = carrier.world_from_object
    pieces = [piece.copy().apply_transform(own) for piece in carrier.collision]
    places = np.stack(np.meshgrid(*np.linspace(low, high, ACROSS).T), -1).reshape(-1, 2)
    heights = np.max([heights_over(piece, frame, places) for piece in pieces], axis=0, initial=-np.inf)
    heights, most = heights[np.isfinite(heights)], STEEP * float((high - low).max())
    if not len(heights) or np.ptp(heights) > most:
        return carrier
    level = float(np.clip(foot[0, 2], heights.min(), heights.max()))
    sides = [(sign * frame[:, i], sign * end[i]) for i in (0, 1) for sign, end in ((1, high), (-1, low))]
    levelled = [part for piece in pieces for part in _levelled(piece, sides, up, level, most)]
    back = inverse_transform(own)
    visual = carrier.visual.copy()
    at = transform_points(own, visual.vertices) @ frame
    beneath = ((at[:, :2] > low) & (at[:, :2] < high)).all(1) & (np.abs(at[:, 2] - level) <= most)
    beneath &= visual.vertex_normals @ own[:3, :3].T @ up > FACING_UP
    at[beneath, 2] = level
    visual.vertices = transform_points(back, at @ frame.T)
    moved = max(float(np.abs(heights - level).max()), carrier.figures.get("seat_levelled_mm", 0.0) / 1000)
    seat = replace(carrier, visual=visual, figures=carrier.figures | {"seat_levelled_mm": 1000 * moved})
    return refitted(seat, [part.apply_transform(back) for part in levelled])


def _levelled(
    piece: trimesh.Trimesh, sides: Sequence[tuple[Array, float]], up: Array, level: float, most: float
) -> list[trimesh.Trimesh]:
    """A convex piece in parts: what lies without the sides, and what lies within them with a level upper end."""
    inside, outside = piece, []
    for normal, end in sides:
        within, beyond = _halves(inside, inside.vertices @ normal - end)
        if within is None:
            return [piece]
        inside, outside = within, outside + ([beyond] if beyond else [])
    height = inside.vertices @ up
    if abs(height.max() - level) > most or height.min() > level:
        return [piece]
    kept, _ = _halves(inside, height - level)
    if kept is None:
        return [piece]
    raised = kept.vertices + (level - kept.vertices @ up)[:, None] * up
    return [*outside, bounded_hull(np.concatenate([kept.vertices, raised]), _budget(piece))]


def _halves(
    piece: trimesh.Trimesh,
    along: Array,  # (V,) [m] of its vertices beyond a plane
) -> tuple[trimesh.Trimesh | None, trimesh.Trimesh | None]:
    """What of a convex piece is not beyond a plane, and what is; None for what is no body."""
    if along.max() <= 0:
        return piece, None
    if along.min() >= 0:
        return None, piece
    across = crossings(piece, along)
    halves = [_hull(np.concatenate([piece.vertices[side], across]), piece) for side in (along <= 0, along > 0)]
    return halves[0], halves[1]


def _hull(points: Array, piece: trimesh.Trimesh) -> trimesh.Trimesh | None:
    try:
        return bounded_hull(points, _budget(piece))
    except SceneError:  # a sliver
        return None


def _budget(piece: trimesh.Trimesh) -> int:
    return max(CORNERS, len(piece.vertices))
