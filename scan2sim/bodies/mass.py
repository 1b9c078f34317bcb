"""Mass, centre of mass and inertia of a solid, exactly from its surface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies.closed import is_closed
from scan2sim.errors import SceneError

__all__ = ["MassProperties", "inertia_problem", "mass_properties"]


class MassProperties(NamedTuple):
    """Mass properties of a solid of constant density."""

    mass: float  # [kg]
    center_of_mass: NDArray[np.float64]  # (3,) [m] in the mesh's frame
    inertia: NDArray[np.float64]  # (3, 3) [kg m²] about the centre of mass, along the mesh's axes


def mass_properties(mesh: trimesh.Trimesh, density: float) -> MassProperties:  # density in [kg/m³]
    """Mass properties of the solid inside a closed mesh.

    The solid is a signed sum of tetrahedra from a reference point to each face, and the integrals of 1, x and x xᵀ
    over a tetrahedron are exact (Eberly 2002, "Polyhedral mass properties (revisited)"): with corners a, b, c and
    s = a + b + c, volume ``det(a, b, c) / 6``, mean ``s / 4``, and second moment
    ``volume (a aᵀ + b bᵀ + c cᵀ + s sᵀ) / 20``.  The reference point is the middle of the bounds, which keeps the
    sum accurate far from the origin.

    Raises:
        SceneError: the mesh is not closed, or the density is not positive.
    """
    if not is_closed(mesh):
        raise SceneError("mass and inertia need a closed mesh", todo="close its holes first")
    if not (np.isfinite(density) and density > 0):
        raise SceneError(f"density {density} kg/m³ is not positive")
    reference = mesh.bounds.mean(0)
    corners = mesh.vertices[mesh.faces] - reference  # (F, 3 corners, 3)
    volumes = np.linalg.det(corners) / 6
    sums = corners.sum(1)
    volume = volumes.sum()
    first = np.einsum("f,fi->i", volumes, sums) / 4
    second = np.einsum("f,fki,fkj->ij", volumes, corners, corners) + np.einsum("f,fi,fj->ij", volumes, sums, sums)
    mean = first / volume
    covariance = second / 20 - volume * np.outer(mean, mean)
    inertia = density * (np.trace(covariance) * np.eye(3) - covariance)
    return MassProperties(float(density * volume), mean + reference, (inertia + inertia.T) / 2)


def inertia_problem(inertia: NDArray[np.float64]) -> str | None:  # (3, 3) [kg m²] about the centre of mass
    """Why no solid has this inertia, or None: a closed surface that runs through itself, as noise does, may have such.

    That of a solid is symmetric and positive, and no principal moment is larger than the sum of the others.
    """
    if inertia.shape != (3, 3) or not np.isfinite(inertia).all():
        return "not finite"
    principal = np.linalg.eigvalsh((inertia + inertia.T) / 2)
    if np.abs(inertia - inertia.T).max() > 1e-6 * np.abs(inertia).max() or principal[0] <= 0:
        return "not symmetric and positive"
    if principal[0] + principal[1] < principal[2] * (1 - 1e-6):
        return "no solid's, by the triangle inequality of principal moments"
    return None
