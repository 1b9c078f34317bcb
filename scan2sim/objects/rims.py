"""Where parts of a connected thing meet, and what divides their insides: a plane, or the bowl in which one lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from scan2sim.objects.support import SupportPlane

__all__ = ["Rim", "find_rims"]

Array = NDArray[np.float64]

LEVEL = 0.7  # cosine of the steepest rim on which something lies, …
LOW = 0.25  # … and quantile of that rim's heights at which it lies
AROUND, FEW = (1.2, 1.5), 20  # radii from a rim's centre where so many vertices tell how steep it is that carries
STEEPEST = 0.5  # cosine of the steepest wall that counts
SHALLOW = 0.2  # of its rim's radius, what dips less is a plate, flat where a thing lies on it
FLOORED = 0.1  # of its rim's radius, how thick a bowl's floor is at least


@dataclass(frozen=True)
class Rim:
    """Where two parts of a surface meet, and the plane ``normal · x = offset`` through it, or the bowl hung from it."""

    above: int  # the part on the side that the normal points to
    below: int
    normal: Array  # (3,)
    offset: float  # [m]
    centre: Array  # (3,) [m]
    radius: float  # [m] of the ball around the centre in which the plane divides the parts' insides
    level: bool  # whether one part lies upon the other, which then has all below the plane
    dip: float = 0.0  # [m] how deep the bowl is in which it then lies, a paraboloid; 0 = the plane itself

    def height(self, points: Array) -> Array:  # (N, 3) [m] to (N,) [m]
        """How far points are above what divides the parts, along the normal."""
        depth = self.dip * np.maximum(1 - (self.aside(points) / self.radius) ** 2, 0)
        return points @ self.normal - self.offset + depth

    def aside(self, points: Array) -> Array:  # (N, 3) [m] to (N,) [m]
        """How far points are from the normal through the centre."""
        away = points - self.centre
        return np.linalg.norm(away - (away @ self.normal)[:, None] * self.normal, axis=1)


def find_rims(
    mesh: trimesh.Trimesh,
    part: NDArray[np.int64],  # (V,) number of the part, -1 = none
    floor: NDArray[np.bool_],  # (V,) vertices next to the support
    plane: SupportPlane,
) -> Iterator[Rim]:
    """Each two neighbouring parts' rim.

    Of two things side by side the rim's upper edge alone is seen, a line more often than not, and many planes go
    through a line: taken with its shadow on the support, it has one, which leans no more than the line itself.
    """
    edges = mesh.edges_unique[(~floor & (part >= 0))[mesh.edges_unique].all(1)]
    pairs = np.sort(part[edges], axis=1)
    for a, b in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0):
        points = mesh.vertices[edges[(pairs == (a, b)).all(1)]].mean(1)
        centre, normal = _plane_through(points)
        if abs(normal @ plane.normal) < LEVEL:  # what nobody sees of their rim lies beneath it
            heights = plane.height(torch.tensor(points)).numpy()
            points = np.concatenate([points, points - heights[:, None] * plane.normal])
            centre, normal = _plane_through(points)
        radius = float(np.linalg.norm(points - centre, axis=1).max())
        first, second = (float((mesh.vertices[part == which].mean(0) - centre) @ normal) for which in (a, b))
        if first < second:
            normal = -normal
        above, below = int(a), int(b)
        if normal @ plane.normal < -LEVEL:
            above, below, normal = below, above, -normal
        level, offset, dip = bool(normal @ plane.normal > LEVEL), float(normal @ centre), 0.0
        if level:  # what fills the crease between two things raises their rim, here and there
            normal, offset = plane.normal, float(np.quantile(points @ plane.normal, LOW))
            deepest = max(0.0, offset - plane.offset - FLOORED * radius)
            dip = min(_dip(mesh, part == below, centre, radius, plane.normal), deepest)
            dip = dip if dip > SHALLOW * radius else 0.0
        yield Rim(above, below, normal, offset, centre, radius, level, dip)


def _dip(
    mesh: trimesh.Trimesh,
    lower: NDArray[np.bool_],  # (V,) of its vertices
    centre: Array,  # (3,) of the rim [m]
    radius: float,  # of the rim [m]
    up: Array,  # (3,)
) -> float:
    """How much lower than its rim with what lies on it a thing is there, if it is a bowl: 0 for a plate.

    Where its slope tells a distance ρ away that it is a ball's inside, that has the radius R = ρ √(1 + 1 / slope²), and
    its cap within the rim of radius r the depth R - √(R² - r²).
    """
    away = mesh.vertices - centre
    away -= (away @ up)[:, None] * up
    distance, rising = np.linalg.norm(away, axis=1), mesh.vertex_normals @ up
    around = lower & (distance > AROUND[0] * radius) & (distance < AROUND[1] * radius) & (rising > 0)
    if around.sum() < FEW:
        return 0.0
    inward = -(mesh.vertex_normals[around] * away[around]).sum(1) / distance[around]
    slope = np.maximum(np.median(inward / np.maximum(rising[around], STEEPEST)), 1e-6)
    ball = np.median(distance[around]) * np.sqrt(1 + 1 / slope**2)
    return float(ball - np.sqrt(ball**2 - radius**2))


def _plane_through(points: Array) -> tuple[Array, Array]:  # (3,), (3,)
    """The middle of points and the normal of the plane through it that they are nearest to."""
    centre = points.mean(0)
    return centre, np.linalg.eigh((points - centre).T @ (points - centre))[1][:, 0]
