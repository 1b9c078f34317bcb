"""Morton order (Z-order): points that are near each other in space come near each other in the list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["morton_order"]

BITS = 21  # per axis; three fit into 64
_SPREAD = (  # move the bits of a 21-bit number apart, so that two zeros stand between each
    (32, 0x001F00000000FFFF),
    (16, 0x001F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def morton_order(
    points: NDArray[Any],  # (N, 3)
) -> NDArray[np.int64]:  # (N,)
    """Indices that put points in Morton order on a grid of 2²¹ cells along each axis of their bounding box."""
    if not len(points):
        return np.zeros(0, np.int64)
    wide = points.astype(np.float64)
    low = wide.min(0)
    extent = wide.max(0) - low
    cells = ((wide - low) / np.where(extent > 0, extent, 1) * ((1 << BITS) - 1)).astype(np.uint64)
    code = np.zeros(len(points), np.uint64)
    for axis in range(3):
        bits = cells[:, axis]
        for shift, mask in _SPREAD:
            bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
        code |= bits << np.uint64(axis)
    return np.argsort(code, kind="stable")
