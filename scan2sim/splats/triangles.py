"""Triangles become a picture of what is in front, in C++."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.splats.compiled import native

__all__ = ["draw_triangles"]


def draw_triangles(
    pixels: NDArray[np.float64],  # (V, 2) where vertices are in the picture
    depths: NDArray[np.float64],  # (V,) [m] along z
    faces: NDArray[np.int32],  # (F, 3)
    size: tuple[int, int],  # height and width
    nearest: float = 0.0,  # [m] faces with a vertex not farther away are left out
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:  # (H, W) the face in front or -1, (H, W) [1/m] its inverse depth
    """Test each pixel's centre in a triangle's bounding box, and keep the nearest triangle (Pineda 1988, "A parallel
    algorithm for polygon rasterization"); the later one of two that are equally near.

    Triangles are seen from outside only: their corners run counter-clockwise as one looks at them.

    Raises:
        UsageError: arrays that do not fit each other, or faces of vertices that are not there.
    """
    face, inverse = np.empty(size, np.int32), np.empty(size)
    places, far = np.ascontiguousarray(pixels, np.float64), np.ascontiguousarray(depths, np.float64)
    try:
        native.draw_triangles(places, far, np.ascontiguousarray(faces, np.int32), nearest, face, inverse)
    except ValueError as problem:
        raise UsageError(f"triangles: {problem}") from None
    return face, inverse
