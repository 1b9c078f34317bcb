"""How far surfaces lie from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scan2sim.cameras import Camera

__all__ = ["Surface", "f_score", "seen_points"]

Array = NDArray[np.float64]

SPACING = 0.0005  # [m] between sample points of a surface, about
MAX_SAMPLES = 400_000
NEAREST = 8  # samples whose triangles are candidates for the nearest


@dataclass(frozen=True)
class Surface:
    """Triangles, with points spread evenly over them."""

    mesh: trimesh.Trimesh
    seed: int = 0

    @cached_property
    def samples(self) -> tuple[Array, NDArray[np.int64]]:  # (S, 3) [m], (S,) face of each
        """Points about half a millimetre apart."""
        count = int(np.clip(self.mesh.area / SPACING**2, 1000, MAX_SAMPLES))
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

    def distances(self, points: Array) -> Array:  # (N,) [m]
        """Distance of each point from the surface: to the triangles under the nearest samples, exactly."""
        faces = self.samples[1]
        rows = self._tree.query(points, k=NEAREST)[1].reshape(len(points), NEAREST)
        triangles = self.mesh.triangles[faces[rows].ravel()]
        closest = trimesh.triangles.closest_point(triangles, np.repeat(points, NEAREST, axis=0))
        gaps = np.linalg.norm(closest.reshape(len(points), NEAREST, 3) - points[:, None], axis=2)
        return gaps.min(1)


def f_score(
    accuracy: Array,  # (N,) [m] from points of what was found to the truth
    completeness: Array,  # (M,) [m] from points of the truth to what was found
    threshold: float,  # [m]
) -> float:  # 0..1
    """Harmonic mean of the shares within the threshold (Knapitsch et al. 2017, "Tanks and Temples")."""
    if not len(accuracy) or not len(completeness):
        return 0.0
    precision, recall = (accuracy < threshold).mean(), (completeness < threshold).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall > 0 else 0.0


def seen_points(
    surface: Surface,
    views: list[tuple[Camera, NDArray[np.bool_]]],  # per view its camera and the pixels that show the object
    tolerance: float = 0.003,  # [m] that the front may lie before a point of it
) -> NDArray[np.bool_]:  # (S,) of the surface's samples
    """Which samples some view shows: their pixel shows the object, and no other sample of it lies before them there."""
    points = surface.samples[0]
    seen = np.zeros(len(points), dtype=bool)
    for camera, shown in views:
        height, width = shown.shape
        pixels, depths = camera.project(points)
        column, row = np.floor(pixels).astype(np.int64).T
        inside = (depths > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = np.where(inside, row * width + column, 0)
        front = np.full(height * width, np.inf)
        np.minimum.at(front, place[inside], depths[inside])
        seen |= inside & shown.ravel()[place] & (depths <= front[place] + tolerance)
    return seen
