"""How far points lie from a surface, and which points of convex pieces are on their outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["Surface", "outer_points"]

Array = NDArray[np.float64]

MAX_SAMPLES = 400_000
NEAREST = 8  # samples whose triangles are candidates for the nearest


@dataclass(frozen=True)
class Surface:
    """Triangles, with points spread evenly over them."""

    mesh: trimesh.Trimesh
    spacing: float = 0.0005  # [m] between sample points, about
    seed: int = 0

    @cached_property
    def samples(self) -> tuple[Array, NDArray[np.int64]]:  # (S, 3) [m], (S,) face of each
        """Points about ``spacing`` apart."""
        count = int(np.clip(self.mesh.area / self.spacing**2, 1000, MAX_SAMPLES))
        sampled = trimesh.sample.sample_surface(self.mesh, count, seed=self.seed)
        return np.asarray(sampled[0], dtype=np.float64), np.asarray(sampled[1], dtype=np.int64)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.samples[0])

    def points(self, count: int) -> Array:  # (count, 3) [m]
        """Points to ask other surfaces about, not those that distances are looked up by."""
        return np.asarray(trimesh.sample.sample_surface(self.mesh, count, seed=self.seed + 1)[0], dtype=np.float64)

    def nearest_sample(self, points: Array) -> NDArray[np.int64]:  # (N,) row of the samples
        """The sample next to each point."""
        return np.asarray(self._tree.query(points)[1])

    def closest(self, points: Array) -> tuple[Array, NDArray[np.int64]]:  # (N, 3) [m], (N,) face of each
        """The nearest place of the surface: exact on the triangles under the nearest samples."""
        rows = self._tree.query(points, k=NEAREST)[1].reshape(len(points), NEAREST)
        faces = self.samples[1][rows]
        places = trimesh.triangles.closest_point(self.mesh.triangles[faces.ravel()], np.repeat(points, NEAREST, axis=0))
        places = places.reshape(len(points), NEAREST, 3)
        best = np.linalg.norm(places - points[:, None], axis=2).argmin(1)
        every = np.arange(len(points))
        return places[every, best], faces[every, best]

    def distances(self, points: Array) -> Array:  # (N,) [m]
        """Distance of each point from the surface."""
        return np.linalg.norm(self.closest(points)[0] - points, axis=1)


def outer_points(
    pieces: Sequence[trimesh.Trimesh],  # convex
    count: int,
    touching: float,  # [m] what lies so near to another piece is a cut between the two, no surface
    seed: int = 0,
) -> Array:  # (N, 3) [m], N ≤ count
    """Points of convex pieces, spread by area, that lie in none of the others."""
    area = sum(piece.area for piece in pieces)
    hulls = [(piece.face_normals, (piece.face_normals * piece.triangles_center).sum(1)) for piece in pieces]
    found = [np.zeros((0, 3))]
    for k, piece in enumerate(pieces):
        points = Surface(piece, seed=seed).points(max(1, int(count * piece.area / area)))
        inside = np.zeros(len(points), dtype=bool)
        for other, (normals, offsets) in enumerate(hulls):
            if other != k:
                inside |= (points @ normals.T < offsets + touching).all(1)
        found.append(points[~inside])
    return np.concatenate(found)
