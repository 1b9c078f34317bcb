"""A procedural shape, and the two ways in which all of them are made: rings joined to a skin, and hulls of points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

__all__ = ["ProceduralShape", "circle", "hull", "lying_turn", "revolved", "skin", "slabs"]

Array = NDArray[np.float64]
STRAIGHT = 1.004  # a hull at most this much larger than what is in it leaves it as it is


@dataclass(frozen=True)
class ProceduralShape:
    """A closed mesh that stands on z = 0 with its middle over the origin, and the convex pieces that it consists of."""

    family: str
    mesh: trimesh.Trimesh  # closed [m], z up
    pieces: tuple[trimesh.Trimesh, ...]  # convex [m]
    parameters: Mapping[str, float]  # the size [m] and what else was drawn; lengths over the family's unit


def circle(points: int) -> Array:  # (points, 2)
    """A circle of radius 1, counter-clockwise from (1, 0)."""
    angles = 2 * np.pi * np.arange(points) / points
    return np.column_stack([np.cos(angles), np.sin(angles)])


def revolved(
    profile: ArrayLike,  # (K, 2) radius and height
    points: int,  # round
) -> Array:  # (K, points, 3)
    """The rings of a profile turned about z."""
    radius, height = np.asarray(profile, dtype=np.float64).T
    rings = np.zeros((len(radius), points, 3))
    rings[:, :, :2] = radius[:, None, None] * circle(points)
    rings[:, :, 2] = height[:, None]
    return rings


def skin(
    rings: Array,  # (K, S, 3)
    *,
    cyclic: bool = False,  # whether the last ring is joined with the first one; else both are closed by fans
) -> trimesh.Trimesh:
    """The closed surface through rings of equally many points each."""
    count, points = rings.shape[:2]
    ring = np.arange(count if cyclic else count - 1)[:, None] * points
    here, there = ring, (ring + points) % (count * points)
    a, b = np.arange(points), np.roll(np.arange(points), -1)
    faces = [
        np.stack([here + a, here + b, there + b], axis=2).reshape(-1, 3),
        np.stack([here + a, there + b, there + a], axis=2).reshape(-1, 3),
    ]
    vertices = rings.reshape(-1, 3)
    if not cyclic:
        middle, last = count * points, (count - 1) * points
        faces.append(np.column_stack([b, a, np.full(points, middle)]))
        faces.append(np.column_stack([last + a, last + b, np.full(points, middle + 1)]))
        vertices = np.vstack([vertices, rings[0].mean(0), rings[-1].mean(0)])
    mesh = trimesh.Trimesh(vertices, np.concatenate(faces), process=False)
    if mesh.volume < 0:
        mesh.invert()
    return mesh


def hull(points: Array) -> trimesh.Trimesh:  # (..., 3)
    """The convex hull of points."""
    return trimesh.convex.convex_hull(points.reshape(-1, 3))


def slabs(
    rings: Array,  # (K, S, 3)
    straight: float = STRAIGHT,
) -> list[trimesh.Trimesh]:
    """A solid of rings cut at its rings into few convex pieces: each takes rings until its hull bulges."""
    pieces, start = [], 0
    while start < len(rings) - 1:
        end = len(rings)
        if not _is_straight(rings[start:end], straight):
            end = start + 2
            while _is_straight(rings[start : end + 1], straight):
                end += 1
        pieces.append(hull(rings[start:end]))
        start = end - 1
    return pieces


def _is_straight(rings: Array, straight: float) -> bool:
    return bool(ConvexHull(rings.reshape(-1, 3)).volume <= straight * skin(rings).volume)


def lying_turn(solid: trimesh.Trimesh) -> Array:  # (4, 4)
    """The turn that lays a solid onto the side of its hull nearest to its centre of mass, where it is sure to stay.

    The foot of the shortest way from the centre to any side's plane lies on that side, so the centre is over it.
    """
    around = solid.convex_hull
    distances = (around.face_normals * (around.triangles_center - solid.center_mass)).sum(1)
    return np.asarray(trimesh.geometry.align_vectors(around.face_normals[distances.argmin()], [0, 0, -1]))
