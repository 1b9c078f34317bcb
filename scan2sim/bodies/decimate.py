"""Fewer faces, the same solid."""

from __future__ import annotations

import fast_simplification
import numpy as np
import trimesh
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes

from scan2sim.bodies.closed import close_mesh, is_closed
from scan2sim.bodies.skin import take_skin
from scan2sim.errors import SceneError

__all__ = ["decimate"]


def decimate(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """The mesh with about ``faces`` faces; a closed mesh stays closed, and colours and flags of its
    vertices are kept.

    Quadric edge collapse (Garland and Heckbert 1997, "Surface simplification using quadric error metrics").  Where
    that tears or folds the surface of a closed mesh, its holes are filled; where that fails too, the solid is sampled
    on a grid and re-meshed, which is coarser but always closed.  ``result.metadata["decimated_by"]`` says which:
    ``none``, ``quadric``, ``repaired`` or ``grid``.

    Raises:
        SceneError: fewer than 4 faces are asked for.
    """
    if faces < 4:
        raise SceneError(f"cannot reduce a mesh to {faces} faces", todo="ask for at least 4")
    if len(mesh.faces) <= faces:
        result, method = mesh.copy(), "none"
    else:
        result, method = _quadric(mesh, faces), "quadric"
        if is_closed(mesh) and not _same_solid(result, mesh):
            try:
                result, method = close_mesh(result), "repaired"
            except SceneError:
                result, method = _regrid(mesh, faces), "grid"
            if not _same_solid(result, mesh):
                result, method = _regrid(mesh, faces), "grid"
    if method != "none":
        take_skin(result, [mesh])
    result.metadata["decimated_by"] = method
    return result


def _quadric(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    centre = mesh.bounds.mean(0)  # keeps the digits of meshes far from the origin
    vertices, triangles = fast_simplification.simplify(
        np.ascontiguousarray(mesh.vertices - centre, dtype=np.float64),
        np.ascontiguousarray(mesh.faces, dtype=np.int32),
        target_count=faces,
    )[:2]
    result = trimesh.Trimesh(np.asarray(vertices, dtype=np.float64) + centre, triangles, process=False)
    result.remove_unreferenced_vertices()
    return result


def _same_solid(result: trimesh.Trimesh, mesh: trimesh.Trimesh) -> bool:
    return is_closed(result) and bool(abs(result.volume / mesh.volume - 1) < 0.2)


def _regrid(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """Marching cubes on the filled occupancy grid, with cells sized so that about ``faces`` triangles come out."""
    pitch = float(np.sqrt(2 * mesh.area / faces))
    pitch = max(pitch, float(mesh.extents.max()) / 256)
    voxels = mesh.voxelized(pitch)
    assert voxels is not None  # a closed mesh has faces
    voxels = voxels.fill()
    solid = gaussian_filter(np.pad(np.asarray(voxels.matrix, dtype=np.float32), 3), 0.7)
    vertices, triangles, _, _ = marching_cubes(solid, 0.5)
    result = trimesh.Trimesh((vertices - 3) * pitch + voxels.translation, triangles, process=True)
    trimesh.repair.fix_normals(result, multibody=True)
    return result
