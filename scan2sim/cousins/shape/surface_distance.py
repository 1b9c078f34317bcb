"""How far a deformed surface lies from the one it was, from a few hundred points of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scan2sim.cousins.shape.warp import Warp

__all__ = ["Sample", "sample_of"]

Array = NDArray[np.float64]

REACH = 0.75  # radius of the disc that a point stands for, over the root of its area
PLASTIC = (0.7548776662466927, 0.5698402909980532)  # the steps of Roberts's evenly spread sequence R2
NEAREST = 4  # points whose discs may be the nearest


@dataclass(frozen=True)
class Sample:
    """Points spread evenly over a surface, each standing for a small disc of it."""

    points: Array  # (N, 3) [m]
    normals: Array  # (N, 3) unit, outward
    reach: float  # [m] radius of the disc

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points)

    def moved_by(self, warp: Warp) -> float:  # [m]
        """The chamfer distance, halved, between the surface and what a warp makes of it, their middles put together:
        the mean distance of the points of each from the discs of the other, both directions averaged."""
        points, jacobians = warp(self.points)
        points = points - points.mean(0) + self.points.mean(0)
        normals = np.linalg.solve(jacobians.transpose(0, 2, 1), self.normals[:, :, None])[:, :, 0]
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        moved = Sample(points, normals, self.reach * float(np.cbrt(np.linalg.det(jacobians)).mean()))
        return (_apart(moved, self) + _apart(self, moved)) / 2


def sample_of(
    vertices: Array,  # (V, 3) [m]
    normals: Array,  # (V, 3) unit, outward
    faces: NDArray[np.int64],  # (F, 3)
    count: int,
) -> Sample:
    """Points spread evenly by area, the same for the same surface; normals are interpolated over each triangle."""
    corners = vertices[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(crossed, axis=1) / 2
    ends = np.cumsum(areas)
    places = (np.arange(count) + 0.5) / count
    face = np.searchsorted(ends, places * ends[-1]).clip(0, len(faces) - 1)
    u, v = (np.arange(count) * PLASTIC[0]) % 1, (np.arange(count) * PLASTIC[1]) % 1
    root = np.sqrt(u)
    shares = np.stack([1 - root, root * (1 - v), root * v], axis=1)[:, :, None]
    blended = (shares * normals[faces[face]]).sum(1)
    blended /= np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-12)
    return Sample((shares * corners[face]).sum(1), blended, REACH * float(np.sqrt(ends[-1] / count)))


def _apart(these: Sample, others: Sample) -> float:
    near = others._tree.query(these.points, k=min(NEAREST, len(others.points)))[1].reshape(len(these.points), -1)
    way = these.points[:, None] - others.points[near]
    above = np.einsum("nki,nki->nk", way, others.normals[near])
    beside = np.sqrt(np.maximum(np.einsum("nki,nki->nk", way, way) - above**2, 0))
    distance = np.hypot(above, np.maximum(beside - others.reach, 0))
    return float(distance.min(1).mean())
