"""Colours as people see them, and the skin of a thing (splats, vertices, picture) under a change of colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from scan2sim.bodies import Texture, shade_texture, vertex_colors
from scan2sim.scene import SceneObject
from scan2sim.splats import SH_C0, Gaussians

__all__ = ["LUMA", "lab", "mapped", "mapped_object", "rgb_of_lab", "shaded", "shaded_object"]

Array = NDArray[np.float64]

LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], LUMA.tolist(), [0.0193339, 0.119192, 0.9503041]])
_WHITE = _XYZ.sum(1)  # D65


def lab(rgb: Array) -> Array:  # (N, 3) sRGB in 0..1 → (N, 3) CIELAB
    """L* 0..100, a*, b* under D65 (CIE 15, IEC 61966-2-1); values outside 0..1 are clipped."""
    encoded = rgb.clip(0, 1)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def rgb_of_lab(colors: Array) -> Array:  # (N, 3) CIELAB → (N, 3) sRGB, beyond 0..1 where no screen shows it
    """The inverse of :func:`lab`."""
    f = ((colors[:, 0] + 16) / 116)[:, None] + np.stack([colors[:, 1] / 500, 0 * colors[:, 0], -colors[:, 2] / 200], 1)
    ratio = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = ratio * _WHITE @ np.linalg.inv(_XYZ).T
    curved = 1.055 * np.sign(linear) * np.abs(linear) ** (1 / 2.4) - 0.055 * np.sign(linear)
    return np.where(np.abs(linear) <= 0.0031308, 12.92 * linear, curved)


def mapped(gaussians: Gaussians, matrix: Array) -> Gaussians:  # matrix (3, 3)
    """Splats whose colour, seen from anywhere, is the matrix times what it was.

    A colour is Σ Y_k sh_k + 1/2, so each band is multiplied, and the constant one takes the matrix's effect on 1/2.
    """
    by = torch.from_numpy(matrix).to(gaussians.sh)
    sh = gaussians.sh @ by.T
    sh[:, 0] += (by.sum(1) - 1) * (0.5 / SH_C0)
    return replace(gaussians, sh=sh)


def shaded(gaussians: Gaussians, factors: Array) -> Gaussians:  # factors (N, 3)
    """Splats whose colour, seen from anywhere, is multiplied channel by channel."""
    by = torch.from_numpy(factors).to(gaussians.sh)
    sh = gaussians.sh * by[:, None]
    sh[:, 0] += (by - 1) * (0.5 / SH_C0)
    return replace(gaussians, sh=sh)


def mapped_object(obj: SceneObject, matrix: Array) -> SceneObject:  # matrix (3, 3)
    """Splats, vertices and picture under the same linear change of colour."""
    texture = obj.texture
    if texture is not None:
        texture = Texture(_bytes(texture.image.reshape(-1, 3) @ matrix.T).reshape(texture.image.shape), texture.uv)
    colors = vertex_colors(obj.visual)[:, :3] @ matrix.T
    return replace(obj, gaussians=mapped(obj.gaussians, matrix), visual=_painted(obj.visual, colors), texture=texture)


def shaded_object(
    obj: SceneObject,
    on_splats: Array,  # (N, 3)
    on_vertices: Array,  # (V, 3)
) -> SceneObject:
    """Splats, vertices and picture multiplied channel by channel."""
    return replace(
        obj,
        gaussians=shaded(obj.gaussians, on_splats),
        visual=_painted(obj.visual, vertex_colors(obj.visual)[:, :3] * on_vertices),
        texture=None if obj.texture is None else shade_texture(obj.visual, obj.texture, on_vertices),
    )


def _painted(mesh: trimesh.Trimesh, colors: Array) -> trimesh.Trimesh:  # colors (V, 3) in 0..255
    """The mesh in other colours; what was seen of it stays noted."""
    painted = mesh.copy()
    painted.visual = ColorVisuals(painted, vertex_colors=np.column_stack([_bytes(colors), vertex_colors(mesh)[:, 3]]))
    return painted


def _bytes(colors: Array) -> NDArray[np.uint8]:
    return colors.clip(0, 255).round().astype(np.uint8)
