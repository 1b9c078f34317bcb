"""Is a mesh the surface of a solid, and if not, can its holes be filled?"""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies.skin import mark_seen, vertex_colors, vertices_seen
from scan2sim.errors import SceneError

__all__ = ["close_mesh", "enclosed_volume", "is_closed"]


def is_closed(mesh: trimesh.Trimesh) -> bool:
    """Whether the mesh bounds a solid: finite, every edge in exactly two faces that agree on it, volume > 0."""
    faces, count = np.asarray(mesh.faces, dtype=np.int64), len(mesh.vertices)
    if len(faces) < 4 or not np.isfinite(mesh.vertices).all():
        return False
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    there, back = np.sort(start * count + end), np.sort(end * count + start)  # each edge once in either direction
    once = not (start == end).any() and not (there[1:] == there[:-1]).any() and bool((there == back).all())
    return once and enclosed_volume(mesh) > 0


def enclosed_volume(mesh: trimesh.Trimesh) -> float:  # [m³]
    """The volume inside a closed mesh; negative where its faces look inwards."""
    corners = (np.asarray(mesh.vertices) - mesh.vertices[0])[mesh.faces]
    return float(np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))) / 6


def close_mesh(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh with its seams merged, stray faces removed, holes filled and normals pointing outwards.

    Holes are filled with a fan around the mean of their rim, so that a flat or mildly curved hole is closed well;
    vertex colours and flags are kept; the new vertices take the mean colour of the rim, and nobody has seen them.

    Raises:
        SceneError: the surface cannot be closed this way (self-touching rims, no volume).
    """
    if is_closed(mesh):
        return mesh
    colors, seen = vertex_colors(mesh).astype(np.float64), vertices_seen(mesh)
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    if not np.isfinite(vertices).all():
        raise SceneError("the mesh holds vertices that are not finite", todo="repair the mesh first")
    _, first, inverse = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    vertices, colors, seen, faces = vertices[first], colors[first], seen[first], inverse.reshape(-1)[faces]
    faces = _without_stray_faces(faces)
    faces = _wound_alike(vertices, faces)
    for loop in _holes(faces):
        rim, color = vertices[loop].mean(0), colors[loop].mean(0)
        following = np.roll(loop, -1)
        fan = np.stack([following, loop, np.full(len(loop), len(vertices))], axis=1)
        vertices, colors, faces = np.vstack([vertices, rim]), np.vstack([colors, color]), np.vstack([faces, fan])
        seen = np.append(seen, False)
    faces = _outwards(vertices, faces)
    closed = trimesh.Trimesh(vertices, faces, vertex_colors=colors.astype(np.uint8), process=False)
    mark_seen(closed, seen)
    closed.remove_unreferenced_vertices()
    if not is_closed(closed):
        raise SceneError(
            f"a mesh of {len(mesh.faces)} faces has open or tangled edges and cannot be closed",
            todo="repair it, or rebuild the object from more photos",
        )
    return closed


def _without_stray_faces(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop faces without area, faces that are there twice (flaps) and faces at edges of more than two faces."""
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    _, which, count = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True, return_counts=True)
    faces = faces[count[which.reshape(-1)] == 1]
    while True:
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, which, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
        shared = count[which.reshape(-1)].reshape(-1, 3)
        crowded = (shared > 2).any(axis=1)
        flaps = crowded & (shared == 1).any(axis=1)
        if not flaps.any():
            return faces[~crowded]
        faces = faces[~flaps]


def _wound_alike(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Neighbouring faces run round their common edge in opposite directions."""
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    if not mesh.is_winding_consistent:
        trimesh.repair.fix_winding(mesh)
    return np.asarray(mesh.faces)


def _outwards(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn shells that are inside out, unless they bound a cavity of another one; drop shells without volume."""
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    labels = trimesh.graph.connected_component_labels(mesh.face_adjacency, node_count=len(faces))
    corners = vertices[faces] - vertices.mean(0)
    volumes = np.bincount(labels, np.linalg.det(corners) / 6)
    low = np.array([corners[labels == k].min((0, 1)) for k in range(len(volumes))])
    high = np.array([corners[labels == k].max((0, 1)) for k in range(len(volumes))])
    faces = faces.copy()
    for k in np.flatnonzero(volumes < 0):
        around = (low < low[k]).all(1) & (high > high[k]).all(1)
        if not around.any():
            faces[labels == k] = faces[labels == k][:, ::-1]
    return faces[(np.abs(volumes) > 1e-6 * np.abs(volumes).max())[labels]]


def _holes(faces: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Simple loops of boundary vertices, in the direction in which the faces run along them."""
    directed = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    present = {(int(a), int(b)) for a, b in directed}
    following: dict[int, list[int]] = {}
    for a, b in present:
        if (b, a) not in present:
            following.setdefault(a, []).append(b)
    loops = []
    while following:
        path = [min(following)]
        while path[-1] in following:
            here = path[-1]
            there = following[here].pop()
            if not following[here]:
                del following[here]
            if there in path:  # a loop closes here; what came before it goes on
                start = path.index(there)
                if len(path) - start >= 3:
                    loops.append(np.array(path[start:]))
                path = path[: start + 1]
            else:
                path.append(there)
    return loops
