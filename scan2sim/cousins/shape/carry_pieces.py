"""Collision pieces carried along by a deformation: deformed, cut where they bend, and made convex again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from scan2sim.bodies import bounded_hull
from scan2sim.cousins.shape.footing import Footing
from scan2sim.cousins.shape.refine import Skin, with_short_edges
from scan2sim.cousins.shape.solid import cross_product
from scan2sim.cousins.shape.warp import Warp
from scan2sim.scene import SceneObject

__all__ = ["Hull", "Piece", "carried_pieces", "pieces_of"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_EDGE = 1 / 5  # of a piece, over the object's size; longer ones are halved before it is deformed
CUTS = 3  # at the most, one after the other
MOST = 64  # pieces, or as many as there were
CORNERS = 64  # of a deformed piece at the most, or as many as it had: what PhysX takes on a GPU
LOST = 0.05  # of the excess may be lost by a piece that does without the points on its edges


@dataclass(frozen=True)
class Hull:
    """A convex body with its triangles wound outwards."""

    points: Array  # (K, 3) [m]
    faces: Ints  # (F, 3)
    volume: float  # [m³]


@dataclass(frozen=True)
class Piece:
    """A convex body before it is deformed."""

    points: Array  # (K, 3) [m] its corners, then places on its edges
    faces: Ints  # (F, 3)
    corners: int


def pieces_of(obj: SceneObject, footing: Footing) -> tuple[Piece, ...]:
    """The collision pieces in the standing frame; large triangles, which could not bend, are split."""
    hulls = [(footing.points(np.asarray(p.vertices)), np.asarray(p.faces, dtype=np.int64)) for p in obj.collision]
    return tuple(_fine(points, faces, LONGEST_EDGE * footing.size) for points, faces in hulls)


def carried_pieces(
    pieces: Sequence[Piece],
    warp: Warp,
    excess: float,  # [m³] that the hulls may be larger than the deformed pieces, all together
) -> list[Hull] | None:
    """The hulls of the deformed pieces.

    While they are too large, the pieces that add most are cut in two before they are deformed, across their longest
    axis; None if three cuts are not enough or make too many pieces, or a piece has lost its volume.
    """
    carried = _carried(pieces, warp)
    for _ in range(CUTS):
        added = sum(one.added for one in carried if one)
        if added <= excess:
            break
        bent = [one is not None and one.added > excess / len(carried) for one in carried]
        halves = [half for one, cut in zip(carried, bent, strict=True) if one and cut for half in _halves(one.piece)]
        carried = [one for one, cut in zip(carried, bent, strict=True) if not cut] + _carried(halves, warp)
    found = [one for one in carried if one is not None]
    crowded = len(found) > max(MOST, len(pieces))
    if crowded or len(found) < len(carried) or sum(one.added for one in found) > excess:
        return None
    return [_bounded(one, LOST * excess) for one in found]


@dataclass(frozen=True)
class _Carried:
    """A piece and the hull of what becomes of it."""

    piece: Piece
    points: Array  # (K, 3) [m] deformed
    hull: Hull
    added: float  # [m³] by the hull


def _carried(pieces: Sequence[Piece], warp: Warp) -> list[_Carried | None]:
    moved = warp(np.concatenate([piece.points for piece in pieces]))[0]
    ends = np.cumsum([len(piece.points) for piece in pieces])
    carried: list[_Carried | None] = []
    for piece, points in zip(pieces, np.split(moved, ends[:-1]), strict=True):
        hull = hull_of(points)
        carried.append(hull and _Carried(piece, points, hull, hull.volume - _volume(points, piece.faces)))
    return carried


def hull_of(points: Array) -> Hull | None:  # (K, 3) [m]
    """The convex hull, closed and wound alike; None if the points span no volume."""
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
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


def _bounded(carried: _Carried, lost: float) -> Hull:  # lost [m³] at the most
    """The hull of a piece's own corners if that is nearly as large, else one with as many of all its points."""
    most = max(CORNERS, carried.piece.corners)
    if len(carried.hull.points) <= most:
        return carried.hull
    coarse = hull_of(carried.points[: carried.piece.corners])
    if coarse is not None and coarse.volume >= carried.hull.volume - lost:
        return coarse
    fewer = bounded_hull(carried.hull.points, most)
    return Hull(np.asarray(fewer.vertices), np.asarray(fewer.faces), float(fewer.volume))


def _volume(points: Array, faces: Ints) -> float:  # [m³], convex or not
    a, b, c = (points - points.mean(0))[faces].transpose(1, 2, 0)
    return float((a * cross_product(b, c)).sum() / 6)


def _halves(piece: Piece) -> list[Piece]:
    """Both sides of the plane through the middle across the longest axis, cut along the edges; the piece itself where
    a side would have no volume."""
    points = piece.points
    middle = (points.min(0) + points.max(0)) / 2
    axis = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][0]
    height = (points - middle) @ axis
    edges = piece.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = edges[(height[edges[:, 0]] < 0) & (height[edges[:, 1]] > 0)]  # each edge in the one direction of the two
    share = height[edges[:, 0]] / (height[edges[:, 0]] - height[edges[:, 1]])
    crossing = points[edges[:, 0]] + share[:, None] * (points[edges[:, 1]] - points[edges[:, 0]])
    longest = float(np.linalg.norm(np.diff(points[piece.faces[:, [0, 1, 2, 0]]], axis=1), axis=2).max())
    halves = [hull_of(np.concatenate([points[side], crossing])) for side in (height <= 0, height >= 0)]
    found = [_fine(half.points, half.faces, longest) for half in halves if half is not None]
    return found if len(found) == 2 else [piece]


def _fine(points: Array, faces: Ints, longest: float) -> Piece:  # longest [m]
    skin = with_short_edges(Skin(points, faces, np.zeros((len(points), 0))), longest)
    return Piece(skin.vertices, skin.faces, len(points))
