"""Pieces of one surface become things: they join across ridges, and with what they cannot stand without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, Delaunay, QhullError

from scan2sim.objects.creases import Pieces

__all__ = ["join_pieces"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

CONCAVE = 0.03  # a border that is on average less hollow than this (sine of elevation) runs within one thing
BULGE = 0.002  # volume over area^1.5 of a thing at least: a dent's is negative, a plate's 0.01, a ball's 0.094
SLACK = 0.15  # how far the middle may lie outside of what carries it [square root of the thing's area]


@dataclass(frozen=True)
class _Borders:
    """Edges whose ends belong to two pieces."""

    edges: NDArray[np.int64]  # (E, 2) vertices
    length: Array  # (E,) [m], hardly anything where no view saw the surface
    hollow: Array  # (E,)

    def between(self, labels: NDArray[np.int64]) -> dict[tuple[int, int], tuple[float, float]]:
        """Length and length × hollowness of the border of each pair of pieces, the lower number first."""
        pair = np.sort(labels[self.edges], axis=1)
        cut = pair[:, 0] != pair[:, 1]
        pairs, which = np.unique(pair[cut], axis=0, return_inverse=True)
        length = np.bincount(which.ravel(), self.length[cut])
        total = np.bincount(which.ravel(), (self.length * self.hollow)[cut])
        return {(int(a), int(b)): (float(x), float(y)) for (a, b), x, y in zip(pairs, length, total, strict=True)}


def join_pieces(
    mesh: trimesh.Trimesh,
    pieces: Pieces,
    floor: Flags,  # (V,) vertices next to the support
    seen: Flags,  # (V,) vertices that some view saw
    smallest: float,  # [m] longest side of a thing, at least
) -> tuple[NDArray[np.int64], int]:  # (V,) thing 0..count - 1 of each vertex, count
    """Join the pieces of a surface into things.

    Two pieces whose border is a ridge or level are one thing, the most ridge-like first, and so are two that are both
    joined to a third (Stein et al. 2014, "Object partitioning using local convexity").  Of what is left, a piece is no
    thing of its own if it does not bulge out of its border, is too small, or would fall: the support and the rims that
    it shares with others below its middle must carry it.  It joins the piece that it has the longest border with.
    """
    edges = mesh.edges_unique
    weight = mesh.edges_unique_length * np.where(seen[edges].all(1), 1.0, 1e-3)
    above = ~floor[edges].any(1)
    borders = _Borders(edges[above], weight[above], pieces.hollow[edges].mean(1)[above])
    labels = pieces.labels.copy()
    while between := borders.between(labels):
        (a, b), (length, total) = min(between.items(), key=lambda item: (item[1][1] / item[1][0], item[0]))
        if total >= CONCAVE * length:
            break
        labels[labels == b] = a
    while between := borders.between(labels):
        numbers = np.unique(labels)
        areas = {int(n): float(mesh.area_faces[labels[mesh.faces[:, 0]] == n].sum()) for n in numbers}
        weak = [n for n in sorted(areas, key=lambda n: areas[n]) if not _is_thing(mesh, labels, n, floor, smallest)]
        weak = [n for n in weak if any(n in pair for pair in between)]
        if not weak:
            break
        pair = max((pair for pair in between if weak[0] in pair), key=lambda pair: (between[pair][0], pair))
        labels[labels == pair[1]] = pair[0]
    numbers, labels = np.unique(labels, return_inverse=True)
    return labels, len(numbers)


def _is_thing(mesh: trimesh.Trimesh, labels: NDArray[np.int64], number: int, floor: Flags, smallest: float) -> bool:
    mine = labels == number
    if float(np.ptp(mesh.vertices[mine], axis=0).max()) < smallest:
        return False
    faces = mine[mesh.faces[:, 0]]
    area = float(mesh.area_faces[faces].sum())
    crossing = mesh.edges_unique[mine[mesh.edges_unique].sum(1) == 1]
    rim = mesh.vertices[crossing].mean(1)
    apex = rim.mean(0) if len(rim) else mesh.vertices[mine].mean(0)
    a, b, c = (mesh.triangles[faces] - apex).transpose(1, 0, 2)
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
    if volume < BULGE * area**1.5:
        return False
    middle = np.average(mesh.triangles_center[faces], axis=0, weights=mesh.area_faces[faces])
    carrying = np.concatenate([rim[rim[:, 2] < middle[2]], mesh.vertices[mine & floor]])
    return _carries(carrying[:, :2], middle[:2], SLACK * area**0.5)


def _carries(points: Array, middle: Array, slack: float) -> bool:
    """Whether a point of the plane lies in the convex hull of others, or not farther out than ``slack``."""
    if len(points) < 3:
        return False
    try:
        if Delaunay(points).find_simplex(middle) >= 0:
            return True
        hull = points[ConvexHull(points).vertices]
    except QhullError:  # all on one line
        return False
    start, along = hull, np.roll(hull, -1, axis=0) - hull
    part = ((middle - start) * along).sum(1) / (along**2).sum(1).clip(1e-18)
    nearest = start + part.clip(0, 1)[:, None] * along
    return bool(np.linalg.norm(nearest - middle, axis=1).min() <= slack)
