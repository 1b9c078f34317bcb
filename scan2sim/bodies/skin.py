"""What the corners of a mesh carry besides their place: a colour, and whether any photo saw the surface there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from trimesh.visual import ColorVisuals, TextureVisuals

__all__ = ["mark_seen", "take_skin", "unseen_share", "vertex_colors", "vertices_seen"]

GREY = (128, 128, 128, 255)
SEEN = "seen"  # the vertex attribute that holds the flags


def vertex_colors(mesh: trimesh.Trimesh) -> NDArray[np.uint8]:  # (V, 4) RGBA
    """Vertex colours of a mesh with vertex or face colours or a texture; grey where it has none."""
    visual = mesh.visual
    if isinstance(visual, TextureVisuals) and visual.uv is not None:
        visual = visual.to_color()
    if isinstance(visual, ColorVisuals) and visual.defined:
        return np.asarray(visual.vertex_colors, dtype=np.uint8)
    return np.tile(np.array(GREY, np.uint8), (len(mesh.vertices), 1))


def vertices_seen(mesh: trimesh.Trimesh) -> NDArray[np.bool_]:  # (V,)
    """Which vertices some photo saw; all of them where nobody said otherwise."""
    flags = mesh.vertex_attributes.get(SEEN)
    if flags is None or len(flags) != len(mesh.vertices):
        return np.ones(len(mesh.vertices), dtype=bool)
    return np.asarray(flags, dtype=bool)


def mark_seen(mesh: trimesh.Trimesh, seen: ArrayLike) -> None:  # (V,) bool
    """Write into a mesh which of its vertices some photo saw; the others are invented."""
    flags = np.asarray(seen, dtype=bool)
    if flags.shape != (len(mesh.vertices),):
        raise ValueError(f"{flags.shape} flags for {len(mesh.vertices)} vertices")
    mesh.vertex_attributes[SEEN] = flags


def unseen_share(mesh: trimesh.Trimesh) -> float:  # 0..1
    """Share of the mesh's area that no photo saw; a third of each triangle belongs to each of its corners."""
    hidden = (~vertices_seen(mesh)[mesh.faces]).mean(1)
    return float((mesh.area_faces * hidden).sum() / mesh.area)


def take_skin(mesh: trimesh.Trimesh, before: Sequence[trimesh.Trimesh]) -> None:
    """Give every vertex the colour and the flag of the nearest vertex of the meshes that it was made from."""
    nearest = KDTree(np.concatenate([old.vertices for old in before])).query(mesh.vertices)[1]
    colors = np.concatenate([vertex_colors(old) for old in before])[nearest]
    mesh.visual = ColorVisuals(mesh, vertex_colors=colors)
    mark_seen(mesh, np.concatenate([vertices_seen(old) for old in before])[nearest])
