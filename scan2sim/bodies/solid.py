"""Solids joined and cut, by the library manifold3d: closed meshes in, closed meshes out.

A corner takes the colour of the nearest corner that was there before, and is seen where that was.
"""

from __future__ import annotations

from collections.abc import Sequence

import manifold3d
import numpy as np
import trimesh
from numpy.typing import ArrayLike

from scan2sim.bodies.skin import take_skin
from scan2sim.errors import SceneError

__all__ = ["difference", "intersection", "nearest_parts", "union"]


def union(meshes: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    """The surface of what lies in any of the closed meshes; what overlaps counts once.

    Raises:
        SceneError: a mesh is not closed, or none is left.
    """
    return _mesh(manifold3d.Manifold.batch_boolean([_solid(mesh) for mesh in meshes], manifold3d.OpType.Add), meshes)


def difference(mesh: trimesh.Trimesh, taken: trimesh.Trimesh) -> trimesh.Trimesh | None:
    """The surface of what lies in one closed mesh and not in another, the largest piece of it; None = nothing.

    Raises:
        SceneError: a mesh is not closed.
    """
    pieces = (_solid(mesh) - _solid(taken)).decompose()
    largest = max(pieces, key=lambda piece: piece.volume(), default=None)
    return None if largest is None or largest.volume() <= 0 else _mesh(largest, [mesh])


def intersection(mesh: trimesh.Trimesh, other: trimesh.Trimesh) -> trimesh.Trimesh | None:
    """The surface of what lies in two closed meshes; None = nothing.

    Raises:
        SceneError: a mesh is not closed.
    """
    both = _solid(mesh) ^ _solid(other)
    return None if both.is_empty() or both.volume() <= 0 else _mesh(both, [mesh])


def nearest_parts(
    mesh: trimesh.Trimesh,  # closed
    seeds: ArrayLike,  # (K, 3) [m]
) -> list[trimesh.Trimesh | None]:  # one for each seed
    """Cut a solid into the parts that lie nearest to each seed, by the planes halfway; None where nothing does.

    Raises:
        SceneError: the mesh is not closed.
    """
    points = np.asarray(seeds, dtype=np.float64)
    whole, parts = _solid(mesh), []
    for one in points:
        part = whole
        for other in points:
            if (other != one).any():
                normal = one - other
                length = np.linalg.norm(normal)
                part = part.trim_by_plane(tuple(normal), float(normal @ (one + other)) / (2 * float(length)))
        parts.append(None if part.is_empty() or part.volume() <= 0 else _mesh(part, [mesh]))
    return parts


def _solid(mesh: trimesh.Trimesh) -> manifold3d.Manifold:
    corners, faces = np.asarray(mesh.vertices, dtype=np.float32), np.asarray(mesh.faces, dtype=np.uint32)
    solid = manifold3d.Manifold(manifold3d.Mesh(corners, faces))
    if solid.status() != manifold3d.Error.NoError:
        raise SceneError(
            f"a mesh of {len(mesh.faces)} faces is no solid ({solid.status().name})", todo="close it first"
        )
    return solid


def _mesh(solid: manifold3d.Manifold, before: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    if solid.is_empty():
        raise SceneError("nothing is left of the solid")
    found = solid.to_mesh()
    mesh = trimesh.Trimesh(np.array(found.vert_properties, dtype=np.float64), np.array(found.tri_verts), process=False)
    take_skin(mesh, before)
    return mesh
