"""Is a deformed mesh still one that bounds a solid, and do its collision pieces still fit?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.cousins.shape.anatomy import Anatomy
from scan2sim.cousins.shape.carry_bodies import Pieces

__all__ = ["excess", "folded"]

Array = NDArray[np.float64]


def folded(anatomy: Anatomy, vertices: Array, jacobians: Array) -> bool:  # (V, 3) [m], (V, 3, 3)
    """Whether a face turned over against what the map does to its plane, or the two sides of a wall or of a gap
    changed places.

    The map itself is invertible, so only triangles too large for its bends can do either.
    """
    faces, before = anatomy.skin.faces, anatomy.skin.vertices
    here = jacobians[faces].mean(1)
    edges = (before[faces[:, 1:]] - before[faces[:, :1]]) @ here.transpose(0, 2, 1)  # (F, 2, 3) as the map turns them
    moved = vertices[faces[:, 1:]] - vertices[faces[:, :1]]
    turned = np.cross(edges[:, 0], edges[:, 1])
    if (np.einsum("fi,fi->f", turned, np.cross(moved[:, 0], moved[:, 1])) < 0).any():
        return True
    one, other = anatomy.partners.T
    way = np.linalg.solve(jacobians[one], (vertices[other] - vertices[one])[:, :, None])[:, :, 0]
    side = np.einsum("pi,pi->p", way, anatomy.normals[one])
    return bool((side * np.einsum("pi,pi->p", before[other] - before[one], anatomy.normals[one]) < 0).any())


def excess(before: Pieces, points: Array, hulls: Sequence[trimesh.Trimesh]) -> float:  # [m³]
    """How much larger the hulls are than the deformed pieces themselves."""
    surfaces = points[before.faces]
    return float(sum(hull.volume for hull in hulls) - np.linalg.det(surfaces - points.mean(0)).sum() / 6)
