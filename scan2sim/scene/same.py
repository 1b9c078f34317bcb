"""Are parts of two scenes the same, number by number?"""

from __future__ import annotations

import numpy as np
import torch
import trimesh

from scan2sim.bodies import Texture, vertex_colors, vertices_seen
from scan2sim.scene.types import SceneObject
from scan2sim.splats import Gaussians

__all__ = ["same_arrays", "same_gaussians", "same_looks", "same_mesh", "same_picture", "same_shape"]


def same_shape(a: SceneObject, b: SceneObject) -> bool:
    """Splats, mesh with its looks, and collision pieces; not where the things stand, nor what they weigh."""
    pieces = len(a.collision) == len(b.collision) and all(map(same_mesh, a.collision, b.collision))
    return pieces and same_gaussians(a.gaussians, b.gaussians) and same_mesh(a.visual, b.visual) and same_looks(a, b)


def same_gaussians(a: Gaussians, b: Gaussians) -> bool:
    """Everything but their object ids."""
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return a is b or all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def same_mesh(a: trimesh.Trimesh, b: trimesh.Trimesh) -> bool:
    """Vertices and triangles."""
    return a is b or same_arrays((a.vertices, b.vertices), (a.faces, b.faces))


def same_looks(a: SceneObject, b: SceneObject) -> bool:
    """The same colours, flags and texture of meshes that have the same triangles."""
    colors = (vertex_colors(a.visual), vertex_colors(b.visual)), (vertices_seen(a.visual), vertices_seen(b.visual))
    if not (a.visual is b.visual or same_arrays(*colors)):
        return False
    if a.texture is None or b.texture is None:
        return a.texture is b.texture
    return same_picture(a.texture, b.texture) and same_arrays((a.texture.uv, b.texture.uv))


def same_picture(a: Texture | None, b: Texture | None) -> bool:
    """The pictures of two textures, wherever they lie on their meshes."""
    return a is b or (a is not None and b is not None and np.array_equal(a.image, b.image))


def same_arrays(*pairs: tuple[np.ndarray, np.ndarray]) -> bool:
    """Each pair of arrays."""
    return all(a is b or np.array_equal(a, b) for a, b in pairs)
