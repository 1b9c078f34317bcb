"""Meshes, collision pieces and mass carried along by a deformation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from trimesh.visual import ColorVisuals

from scan2sim.bodies import mark_seen
from scan2sim.cousins.shape.refine import Skin
from scan2sim.scene import Estimate, Physical

__all__ = ["Pieces", "Solid", "carried_physical", "convex_again", "mesh_of", "solid_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solid:
    """Volume, middle and spread of what a closed surface bounds."""

    volume: float  # [m³]
    mean: Array  # (3,) [m]
    covariance: Array  # (3, 3) [m²] of its points


@dataclass(frozen=True)
class Pieces:
    """Points of all collision pieces in one array, with the triangles of each piece's surface."""

    points: Array  # (P, 3) [m]
    faces: NDArray[np.int64]  # (F, 3)
    starts: NDArray[np.int64]  # (pieces + 1,) where the points of each begin


def solid_of(vertices: Array, faces: NDArray[np.int64]) -> Solid:
    """Integrals over the solid inside a closed surface."""
    found = trimesh.triangles.mass_properties(vertices[faces], density=1.0)
    inertia, volume = np.asarray(found["inertia"]), float(found["volume"])
    return Solid(volume, np.asarray(found["center_mass"]), (np.trace(inertia) / 2 * np.eye(3) - inertia) / volume)


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


def convex_again(
    pieces: Pieces,  # deformed
) -> tuple[trimesh.Trimesh, ...] | None:
    """The hull of each piece, closed and wound outwards; None if one has lost its volume."""
    hulls = []
    for start, end in pairwise(pieces.starts):
        points = pieces.points[start:end]
        try:
            hull = ConvexHull(points)
        except (QhullError, ValueError):
            return None
        rows = np.unique(hull.simplices)
        corners = points[hull.simplices]
        crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        faces = np.searchsorted(rows, hull.simplices)
        inwards = np.einsum("fi,fi->f", crossed, hull.equations[:, :3]) < 0
        faces[inwards] = faces[inwards][:, ::-1]
        edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2) @ [[len(rows), 1], [1, len(rows)]]
        if len(np.unique(edges[:, 0])) < len(edges) or not np.array_equal(*np.sort(edges, axis=0).T):
            return None
        hulls.append(trimesh.Trimesh(points[rows], faces, process=False))
    return tuple(hulls)


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
    return (vectors * np.sqrt(values.clip(1e-18))) @ vectors.T
