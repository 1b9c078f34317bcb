"""Shares of surfaces that lie near each other, and the part of a surface that views show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Surface
from scan2sim.cameras import Camera

__all__ = ["f_score", "seen_points"]

Array = NDArray[np.float64]


def f_score(
    accuracy: Array,  # (N,) [m] from points of what was found to the truth
    completeness: Array,  # (M,) [m] from points of the truth to what was found
    threshold: float,  # [m]
) -> float:  # 0..1
    """Harmonic mean of the shares within the threshold (Knapitsch et al. 2017, "Tanks and Temples")."""
    if not len(accuracy) or not len(completeness):
        return 0.0
    precision, recall = (accuracy < threshold).mean(), (completeness < threshold).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall > 0 else 0.0


def seen_points(
    surface: Surface,
    views: list[tuple[Camera, NDArray[np.bool_]]],  # per view its camera and the pixels that show the object
    tolerance: float = 0.003,  # [m] that the front may lie before a point of it
) -> NDArray[np.bool_]:  # (S,) of the surface's samples
    """Which samples some view shows: their pixel shows the object, and no other sample of it lies before them there."""
    points = surface.samples[0]
    seen = np.zeros(len(points), dtype=bool)
    for camera, shown in views:
        height, width = shown.shape
        pixels, depths = camera.project(points)
        column, row = np.floor(pixels).astype(np.int64).T
        inside = (depths > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = np.where(inside, row * width + column, 0)
        front = np.full(height * width, np.inf)
        np.minimum.at(front, place[inside], depths[inside])
        seen |= inside & shown.ravel()[place] & (depths <= front[place] + tolerance)
    return seen
