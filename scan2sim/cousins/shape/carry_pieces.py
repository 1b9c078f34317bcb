"""Collision pieces carried along by a deformation: deformed, cut where they bend, and made convex again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from scan2sim.bodies import bounded_hull
from scan2sim.cousins.shape.footing import Footing
from scan2sim.cousins.shape.refine import Skin, with_short_edges
from scan2sim.cousins.shape.solid import cross_product
from scan2sim.cousins.shape.warp import Warp
from scan2sim.errors import SceneError
from scan2sim.scene import SceneObject

__all__ = ["Hull", "Pieces", "carried_pieces", "pieces_of"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_EDGE = 1 / 5  # of a piece, over the object's size; longer ones are halved before it is deformed
ROUNDS = 3  # of cutting
CORNERS = 64  # of a deformed piece at the most, or as many as it had: what PhysX takes on a GPU


@dataclass(frozen=True)
class Hull:
    """A convex body with its triangles wound outwards."""

    points: Array  # (K, 3) [m]
    faces: Ints  # (F, 3)
    volume: float  # [m³]


@dataclass(frozen=True)
class Pieces:
    """Points of all collision pieces in one array, with the triangles of each piece's surface."""

    points: Array  # (P, 3) [m]
    faces: Ints  # (F, 3)
    starts: Ints  # (pieces + 1,) where the points of each begin
    corners: tuple[int, ...]  # (pieces,) how many the hull of each may have
    longest: float  # [m] an edge is at the most


def pieces_of(obj: SceneObject, footing: Footing) -> Pieces:
    """In the standing frame; large triangles, which could not bend, are split."""
    hulls = [(footing.points(np.asarray(p.vertices)), np.asarray(p.faces, dtype=np.int64)) for p in obj.collision]
    return _together(hulls, [max(CORNERS, len(points)) for points, _ in hulls], LONGEST_EDGE * footing.size)


def carried_pieces(
    pieces: Pieces,
    warp: Warp,
    excess: float,  # [m³] that the hulls may be larger than the deformed pieces, all together
) -> list[Hull] | None:
    """The hulls of the deformed pieces.

    While the hulls are too large, the pieces that add most are cut in two before they are deformed, across their
    longest axis; None if that is not enough three times, or a piece has lost its volume.
    """
    for cuts_left in reversed(range(ROUNDS + 1)):
        moved = replace(pieces, points=warp(pieces.points)[0])
        spans = zip(pairwise(moved.starts), moved.corners, strict=True)
        hulls = [hull_of(moved.points[start:end], corners) for (start, end), corners in spans]
        found = [hull for hull in hulls if hull is not None]
        if len(found) < len(hulls):
            return None
        added = np.array([hull.volume for hull in found]) - _volumes(moved)
        if added.sum() <= excess:
            return found
        if cuts_left:
            bent = added > excess / (2 * len(added))
            cut = _cut(pieces, bent)
            if cut is None:
                return None
            pieces = cut
    return None


def hull_of(points: Array, corners: int = CORNERS) -> Hull | None:  # (K, 3) [m]
    """The convex hull with at most so many corners, closed and wound alike; None if the points span no volume."""
    try:
        hull = ConvexHull(points)
        if len(hull.vertices) > corners:
            bounded = bounded_hull(points, corners)
            return Hull(np.asarray(bounded.vertices), np.asarray(bounded.faces), float(bounded.volume))
    except (QhullError, ValueError, SceneError):
        return None
    a, b, c = points[hull.simplices].transpose(1, 2, 0)  # (3, F) each
    crossed = cross_product(b - a, c - a)
    faces = np.searchsorted(hull.vertices, hull.simplices)
    inwards = (crossed * hull.equations[:, :3].T).sum(0) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    there = np.sort((faces * len(points) + np.roll(faces, -1, axis=1)).ravel())
    back = np.sort((faces + np.roll(faces, -1, axis=1) * len(points)).ravel())
    if not (np.array_equal(there, back) and (np.diff(there) > 0).all()):
        return None
    return Hull(points[hull.vertices], faces, float(hull.volume))


def _volumes(pieces: Pieces) -> Array:  # (pieces,) [m³] as they are, convex or not
    a, b, c = ((pieces.points - pieces.points.mean(0))[pieces.faces[:, k]].T for k in range(3))
    owner = np.searchsorted(pieces.starts, pieces.faces[:, 0], side="right") - 1
    return np.bincount(owner, (a * cross_product(b, c)).sum(0) / 6, minlength=len(pieces.starts) - 1)


def _cut(pieces: Pieces, chosen: NDArray[np.bool_]) -> Pieces | None:
    """The chosen pieces in two halves each."""
    owner = np.searchsorted(pieces.starts, pieces.faces[:, 0], side="right") - 1
    parts, corners = [], []
    for k, (start, end) in enumerate(pairwise(pieces.starts)):
        points, faces = pieces.points[start:end], pieces.faces[owner == k] - start
        halves = _halves(points, faces) if chosen[k] else [(points, faces)]
        if halves is None:
            return None
        parts += halves
        corners += [CORNERS if chosen[k] else pieces.corners[k]] * len(halves)
    return _together(parts, corners, pieces.longest)


def _halves(points: Array, faces: Ints) -> list[tuple[Array, Ints]] | None:
    """Both sides of the plane through the middle across the longest axis of a convex body, cut along its edges."""
    middle = (points.min(0) + points.max(0)) / 2
    axis = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][0]
    height = (points - middle) @ axis
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = edges[(height[edges[:, 0]] < 0) & (height[edges[:, 1]] > 0)]  # each edge in the one direction of the two
    share = height[edges[:, 0]] / (height[edges[:, 0]] - height[edges[:, 1]])
    crossing = points[edges[:, 0]] + share[:, None] * (points[edges[:, 1]] - points[edges[:, 0]])
    halves = [hull_of(np.concatenate([points[side], crossing]), len(points)) for side in (height <= 0, height >= 0)]
    return (
        None
        if any(half is None for half in halves)
        else [(half.points, half.faces) for half in halves if half is not None]
    )


def _together(parts: list[tuple[Array, Ints]], corners: Sequence[int], longest: float) -> Pieces:
    """Points and triangles of each piece, edges longer than ``longest`` halved."""
    skins = [with_short_edges(Skin(points, faces, np.zeros((len(points), 0))), longest) for points, faces in parts]
    starts = np.cumsum([0] + [len(skin.vertices) for skin in skins])
    return Pieces(
        np.concatenate([skin.vertices for skin in skins]),
        np.concatenate([skin.faces + start for skin, start in zip(skins, starts, strict=False)]),
        starts,
        tuple(corners),
        longest,
    )
