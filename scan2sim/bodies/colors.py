"""The colours of a mesh, one a vertex, whatever its file held."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals, TextureVisuals

__all__ = ["vertex_colors"]

GREY = (128, 128, 128, 255)


def vertex_colors(mesh: trimesh.Trimesh) -> NDArray[np.uint8]:  # (V, 4) RGBA
    """Vertex colours of a mesh with vertex or face colours or a texture; grey where it has none."""
    visual = mesh.visual
    if isinstance(visual, TextureVisuals) and visual.uv is not None:
        visual = visual.to_color()
    if isinstance(visual, ColorVisuals) and visual.defined:
        return np.asarray(visual.vertex_colors, dtype=np.uint8)
    return np.tile(np.array(GREY, np.uint8), (len(mesh.vertices), 1))
