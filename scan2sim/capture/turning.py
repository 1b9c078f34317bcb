"""Pictures from phones held on their side are turned upright, and what belongs to them turns with them.

A quarter turn counter-clockwise takes the pixel (u, v) of a W × H picture to (v, W - u), so the camera's new axes are
x' = y, y' = -x, z' = z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Distortion, Intrinsics

__all__ = ["quarter_turns_upright", "turn_camera", "turn_distortion", "turn_intrinsics", "turn_map"]

CLEAR = 0.25  # of gravity that has to lie in the picture, on average; less means that all look straight down or up
_NEW_FROM_OLD = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def quarter_turns_upright(
    down: NDArray[np.float64],  # (N, 3) gravity in camera coordinates, one row for each frame
) -> int:  # 0..3 quarter turns counter-clockwise
    """The turn, one for the whole recording, after which down in the pictures is down on average."""
    x, y = down[:, :2].mean(axis=0)
    if np.hypot(x, y) < CLEAR:
        return 0
    return int(np.argmax([y, -x, -y, x]))  # y after 0, 1, 2, 3 turns


def turn_map(values: NDArray[Any], turns: int) -> NDArray[Any]:  # (H, W, …) → (H', W', …)
    """A picture, depth or confidence map after ``turns`` quarter turns."""
    return np.ascontiguousarray(np.rot90(values, turns))


def turn_intrinsics(k: Intrinsics, turns: int) -> Intrinsics:
    """The intrinsics of the turned picture."""
    for _ in range(turns % 4):
        k = Intrinsics(k.height, k.width, k.fy, k.fx, k.cy, k.width - k.cx)
    return k


def turn_camera(world_from_camera: NDArray[np.float64], turns: int) -> NDArray[np.float64]:  # (4, 4)
    """The pose of the turned camera."""
    return world_from_camera @ np.linalg.matrix_power(_NEW_FROM_OLD, turns % 4).T


def turn_distortion(lens: Distortion | None, turns: int) -> Distortion | None:
    """The distortion of the turned picture: its tangential terms (p1, p2) turn, radial ones do not."""
    if lens is None or lens.model not in ("OPENCV", "FULL_OPENCV"):
        return lens
    k1, k2, p1, p2, *rest = lens.params
    for _ in range(turns % 4):
        p1, p2 = -p2, p1
    return Distortion(lens.model, (k1, k2, p1, p2, *rest))
