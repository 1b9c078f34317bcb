"""Does a deformed mesh still bound a solid?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.cousins.shape.anatomy import Anatomy
from scan2sim.cousins.shape.solid import cross_product

__all__ = ["folded"]

Array = NDArray[np.float64]


def folded(anatomy: Anatomy, vertices: Array, jacobians: Array) -> bool:  # (V, 3) [m], (V, 3, 3)
    """Whether a face turned over against what the map does to its plane, or the two sides of a wall or of a gap
    changed places.

    The map itself is invertible, so only triangles too large for its bends can do either.
    """
    faces, before = anatomy.skin.faces, anatomy.skin.vertices
    first, sides = faces[:, 0], []
    here = jacobians[first] + jacobians[faces[:, 1]] + jacobians[faces[:, 2]]
    for corner in (faces[:, 1], faces[:, 2]):
        sides.append(np.einsum("fij,fj->if", here, before[corner] - before[first]))  # as the map turns it
        sides.append((vertices[corner] - vertices[first]).T)
    if ((cross_product(sides[0], sides[2]) * cross_product(sides[1], sides[3])).sum(0) < 0).any():
        return True
    one, other = anatomy.partners.T
    way = np.linalg.solve(jacobians[one], (vertices[other] - vertices[one])[:, :, None])[:, :, 0]
    side = np.einsum("pi,pi->p", way, anatomy.normals[one])
    return bool((side * np.einsum("pi,pi->p", before[other] - before[one], anatomy.normals[one]) < 0).any())
