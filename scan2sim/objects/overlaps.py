"""Surfaces that run into each other: what is less sure of its place gives way."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scan2sim.bodies import Surface, difference, enclosed, intersection, nearest_parts
from scan2sim.errors import SceneError
from scan2sim.objects.fusing import Refined

__all__ = ["parted"]

TRIFLE = 0.01  # overlaps no deeper than this share of the smaller thing's longest side are left to the settling
ALIKE = 0.1  # trusts that differ by less are the same
UPWARDS = 0.7  # cosine to the vertical from which on the thin way through an overlap leads up
LEFT = 0.5  # share of its volume that a surface keeps when it gives way, or it does not

Flags = NDArray[np.bool_]


def parted(surfaces: dict[int, Refined]) -> dict[int, Refined]:
    """The same surfaces, by number, without what lies in each other.

    Where things touch no photo sees the surface, and what closes it may reach into the neighbour: a plain plate is
    filled around the fruit that lies on it.  Of two that overlap, the one whose surface in there is trusted less is cut
    by the other.  Where nothing tells of either, what stands on the other one is cut, and of things side by side each
    one by half.
    """
    surfaces = dict(surfaces)
    for a, b in combinations(surfaces, 2):
        one, other = surfaces[a], surfaces[b]
        inside = enclosed(other.mesh, one.mesh.vertices), enclosed(one.mesh, other.mesh.vertices)
        if _depth(one.mesh, other.mesh, inside) <= TRIFLE * min(one.mesh.extents.max(), other.mesh.extents.max()):
            continue
        with suppress(SceneError):  # what is not closed is left to the settling
            for number, solid in zip((a, b), _to_take(one, other, inside), strict=True):
                if solid is not None:
                    surfaces[number] = _without(surfaces[number], solid)
    return surfaces


def _depth(one: trimesh.Trimesh, other: trimesh.Trimesh, inside: tuple[Flags, Flags]) -> float:
    """How far the vertices that lie in the other mesh are from its surface, at most [m]."""
    depths = [
        float(Surface(wall).distances(mesh.vertices[within]).max())
        for mesh, wall, within in zip((one, other), (other, one), inside, strict=True)
        if within.any()
    ]
    return max(depths, default=0.0)


def _to_take(
    one: Refined, other: Refined, inside: tuple[Flags, Flags]
) -> tuple[trimesh.Trimesh | None, trimesh.Trimesh | None]:
    """What each of two surfaces that overlap has to give away; ``inside`` tells which vertices lie in the other one."""
    sure = [float(each.trust[w].mean()) if w.any() else 1.0 for each, w in zip((one, other), inside, strict=True)]
    if abs(sure[0] - sure[1]) > ALIKE:
        return (other.mesh, None) if sure[0] < sure[1] else (None, one.mesh)
    both = intersection(one.mesh, other.mesh)
    if both is None:
        return None, None
    apart = one.mesh.center_mass - other.mesh.center_mass
    across = both.principal_inertia_vectors[-1]  # of the largest inertia: the thin way through
    if abs(across[2]) > UPWARDS:
        return (other.mesh, None) if apart[2] > 0 else (None, one.mesh)
    step = both.extents.max() * np.sign(across @ apart) * across
    mine, theirs = nearest_parts(both, [both.center_mass + step, both.center_mass - step])
    return theirs, mine


def _without(surface: Refined, solid: trimesh.Trimesh) -> Refined:
    rest = difference(surface.mesh, solid)
    if rest is None or rest.volume <= LEFT * surface.mesh.volume:
        return surface
    bare = trimesh.Trimesh(rest.vertices, rest.faces, process=False)  # coloured later, as the others
    return Refined(bare, surface.trust[KDTree(surface.mesh.vertices).query(rest.vertices)[1]])
