"""Convex pieces simple enough for PhysX, which on a GPU takes hulls of 64 corners and 64 faces.

What has more it cuts down by itself: scanned lemons lost the flat foot that they stand on, and rolled.  So they are cut
into parts here, which together are the same body.
"""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from scan2sim.bodies import bounded_hull

__all__ = ["MAX_CORNERS", "simple_parts"]

MAX_CORNERS = 64
MAX_FACES = 64  # polygons, not triangles
MAX_PARTS = 64
LEAST, MOST = 0.15, 0.85  # of a side, between which it may be cut
FLAT = 1e-6  # how far the planes of two triangles of one polygon may be apart, over the size of the piece


def simple_parts(piece: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    """A convex piece cut into convex parts of at most 64 corners and faces; itself if it has no more.

    It is halved across its longest side until that is so, or until there are 64 parts.  A cut goes past the largest
    facet, if that is possible near the middle: a thing stands on it, and rolled when it was cut.
    """
    if _is_simple(piece.vertices):
        return [piece]
    whole = np.asarray(piece.vertices, dtype=np.float64)
    waiting, parts, foot = [whole], [], _largest_facet(whole)
    while waiting:
        points = waiting.pop()
        if len(parts) + len(waiting) >= MAX_PARTS or _is_simple(points):
            parts.append(bounded_hull(points, len(points)))
        else:
            waiting += _halves(points, foot)
    return parts


def _is_simple(points: NDArray[np.float64]) -> bool:
    if len(points) <= MAX_CORNERS // 2:  # no hull of so few has more than 64 faces
        return True
    hull = ConvexHull(points)
    planes = np.column_stack([hull.equations[:, :3], hull.equations[:, 3] / np.ptp(points, axis=0).max()])
    return len(hull.vertices) <= MAX_CORNERS and len(np.unique(np.round(planes / FLAT), axis=0)) <= MAX_FACES


def _largest_facet(points: NDArray[np.float64]) -> NDArray[np.float64]:  # (N, 3) → (M, 3)
    """The corners of the largest facet of a hull."""
    hull = ConvexHull(points)
    corners = points[hull.simplices]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    planes = np.column_stack([hull.equations[:, :3], hull.equations[:, 3] / np.ptp(points, axis=0).max()])
    facet = np.unique(np.round(planes / FLAT), axis=0, return_inverse=True)[1].ravel()
    largest = int(np.argmax(np.bincount(facet, areas)))
    return points[np.unique(hull.simplices[facet == largest])]


def _beside(middle: float, low: float, high: float, foot: NDArray[np.float64]) -> float:  # foot (M,) along the axis
    """Where to cut between low and high: in the middle, or beside the foot if the middle goes through it."""
    first, last, gap = float(foot.min()), float(foot.max()), 1e-3 * (high - low)
    places = [middle] if not first - gap < middle < last + gap else []
    places += [place for place in (first - gap, last + gap) if LEAST * (high - low) < place - low < MOST * (high - low)]
    return min(places, key=lambda place: abs(place - middle), default=middle)


def _halves(points: NDArray[np.float64], foot: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The corners on either side of a plane near the middle, each with where it cuts the edges."""
    hull = ConvexHull(points)
    axis = int(np.argmax(np.ptp(points, axis=0)))
    along = points[:, axis]
    low, high = float(along.min()), float(along.max())
    middle = _beside((low + high) / 2, low, high, foot[:, axis])
    edges = np.unique(np.sort(hull.simplices[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0)
    ends = np.take_along_axis(edges, np.argsort(along[edges], axis=1), axis=1)
    cut = ends[(along[ends[:, 0]] < middle) & (along[ends[:, 1]] > middle)]
    share = (middle - along[cut[:, 0]]) / (along[cut[:, 1]] - along[cut[:, 0]])
    places = points[cut[:, 0]] + share[:, None] * (points[cut[:, 1]] - points[cut[:, 0]])
    corners = points[hull.vertices]
    sides = (corners[corners[:, axis] <= middle], corners[corners[:, axis] >= middle])
    return [np.unique(np.concatenate([side, places]), axis=0) for side in sides]
