"""Surfaces that run into each other: what is less sure of its place gives way."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import trimesh
from scipy.spatial import KDTree

from scan2sim.bodies import difference
from scan2sim.objects.fusing import Refined
from scan2sim.objects.surface import behind

__all__ = ["parted"]

TRIFLE = 0.01  # overlaps with less than this share of a mesh's vertices are left to the settling
LEFT = 0.5  # share of its volume that a surface keeps when it gives way, or it does not


def parted(surfaces: dict[int, Refined]) -> dict[int, Refined]:
    """The same surfaces, by number, without what lies in each other.

    Where things touch no photo sees the surface, and what closes it may reach into the neighbour: a plain plate is
    filled around the fruit that lies on it.  Of two that overlap, the one whose surface in there is trusted less is cut
    by the other.
    """
    surfaces = dict(surfaces)
    for a, b in combinations(surfaces, 2):
        inside = {one: _inside(surfaces[one], surfaces[other].mesh) for one, other in ((a, b), (b, a))}
        if max(float(within.mean()) for within in inside.values()) < TRIFLE:
            continue
        sure = {n: float(surfaces[n].trust[within].mean()) if within.any() else 1.0 for n, within in inside.items()}
        yields, stays = (a, b) if sure[a] < sure[b] else (b, a)
        rest = difference(surfaces[yields].mesh, surfaces[stays].mesh)
        if rest is not None and rest.volume > LEFT * surfaces[yields].mesh.volume:
            bare = trimesh.Trimesh(rest.vertices, rest.faces, process=False)  # coloured later, as the others
            nearest = KDTree(surfaces[yields].mesh.vertices).query(rest.vertices)[1]
            surfaces[yields] = Refined(bare, surfaces[yields].trust[nearest])
    return surfaces


def _inside(surface: Refined, other: trimesh.Trimesh) -> np.ndarray:  # (V,) bool
    """Which vertices lie in another mesh."""
    vertices = np.asarray(surface.mesh.vertices)
    near = ((vertices > other.bounds[0]) & (vertices < other.bounds[1])).all(1)
    near[near] = behind(other, vertices[near])
    return near
