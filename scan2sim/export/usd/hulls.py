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
FLAT = 1e-6  # how far the planes of two triangles of one polygon may be apart, over the size of the piece


def simple_parts(piece: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    """A convex piece cut into convex parts of at most 64 corners and faces; itself if it has no more.

    It is halved across its longest side until that is so, or until there are 64 parts.
    """
    if _is_simple(piece.vertices):
        return [piece]
    waiting, parts = [np.asarray(piece.vertices, dtype=np.float64)], []
    while waiting:
        points = waiting.pop()
        if len(parts) + len(waiting) >= MAX_PARTS or _is_simple(points):
            parts.append(bounded_hull(points, len(points)))
        else:
            waiting += _halves(points)
    return parts


def _is_simple(points: NDArray[np.float64]) -> bool:
    if len(points) <= MAX_CORNERS // 2:  # no hull of so few has more than 64 faces
        return True
    hull = ConvexHull(points)
    planes = np.column_stack([hull.equations[:, :3], hull.equations[:, 3] / np.ptp(points, axis=0).max()])
    return len(hull.vertices) <= MAX_CORNERS and len(np.unique(np.round(planes / FLAT), axis=0)) <= MAX_FACES


def _halves(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The corners on either side of the plane through the middle, each with where it cuts the edges."""
    hull = ConvexHull(points)
    axis = int(np.argmax(np.ptp(points, axis=0)))
    along = points[:, axis]
    middle = float(along.min() + along.max()) / 2
    edges = np.unique(np.sort(hull.simplices[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0)
    ends = np.take_along_axis(edges, np.argsort(along[edges], axis=1), axis=1)
    cut = ends[(along[ends[:, 0]] < middle) & (along[ends[:, 1]] > middle)]
    share = (middle - along[cut[:, 0]]) / (along[cut[:, 1]] - along[cut[:, 0]])
    places = points[cut[:, 0]] + share[:, None] * (points[cut[:, 1]] - points[cut[:, 0]])
    corners = points[hull.vertices]
    sides = (corners[corners[:, axis] <= middle], corners[corners[:, axis] >= middle])
    return [np.unique(np.concatenate([side, places]), axis=0) for side in sides]
