"""The visual mesh and the mass carried along by a deformation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from scan2sim.bodies import mark_seen
from scan2sim.cousins.shape.refine import Skin
from scan2sim.cousins.shape.solid import Solid
from scan2sim.scene import Estimate, Physical

__all__ = ["carried_physical", "mesh_of"]

Array = NDArray[np.float64]


def carried_physical(physical: Physical, before: Solid, after: Solid) -> tuple[Physical, Array]:
    """The same stuff in another shape, with its centre of mass (3,) [m] in the frame of the solids.

    Volume and mass with their intervals scale with the solid's volume, so density stays.  The mass need not be spread
    evenly: its ellipsoid is carried along by the symmetric linear map that takes the old solid's to the new one's
    (the optimal transport between Gaussians), so that evenly filled things stay so, and no inertia becomes one that
    no body has.  The result's frame has its origin at the centre of mass; ``before`` is in the object's old frame.
    """
    ratio = after.volume / before.volume
    root = _root(after.covariance)
    carry = root @ np.linalg.inv(_root(root @ before.covariance @ root)) @ root
    spread = np.trace(physical.inertia) / 2 * np.eye(3) - physical.inertia  # mass times covariance
    spread = ratio * carry @ spread @ carry.T
    inertia = np.trace(spread) * np.eye(3) - spread
    centre = after.mean + carry @ (physical.center_of_mass - before.mean)
    carried = replace(
        physical,
        mass=_scaled(physical.mass, ratio),
        volume=_scaled(physical.volume, ratio),
        center_of_mass=np.zeros(3),
        inertia=(inertia + inertia.T) / 2,
    )
    return carried, centre


def mesh_of(skin: Skin, vertices: Array) -> trimesh.Trimesh:
    """The skin's mesh with its vertices elsewhere, colours and flags kept."""
    colors = skin.attributes[:, :4].round().astype(np.uint8)
    mesh = trimesh.Trimesh(vertices, skin.faces, process=False)
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors)
    seen = skin.attributes[:, 4] > 0.5
    if not seen.all():
        mark_seen(mesh, seen)
    return mesh


def _scaled(estimate: Estimate, ratio: float) -> Estimate:
    return Estimate(estimate.value * ratio, estimate.low * ratio, estimate.high * ratio, estimate.source)


def _root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(1e-40))) @ vectors.T
