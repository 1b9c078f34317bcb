"""Rectangles of given proportions in a picture of the support from above."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from scan2sim.poses.metric.top_view import TopView

__all__ = ["find_rectangles"]

LEVELS = 12  # thresholds per channel
SMALLEST = 24  # [pixels] of the short side
LARGEST = 0.7  # of the picture, of the long side
FILLED = 0.85  # of the smallest rectangle around a region, that its convex hull covers
SAME = 0.1  # of the long side: corners of two rectangles that are one


def find_rectangles(view: TopView, aspect: float, tolerance: float) -> list[NDArray[np.float64]]:
    """Rectangles whose sides are as ``aspect`` to 1, in points of the scene (4, 3) each, the fullest first.

    Regions are what is brighter or darker than each of several thresholds in each channel of CIELAB, and what edges
    enclose; a region counts if it fills the smallest rectangle around it.  The first side of each is a long one.
    """
    found: list[tuple[float, NDArray[np.float64]]] = []
    for mask in _regions(view.pixels):
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            if len(contour) < 4 * SMALLEST:
                continue
            box = cv2.minAreaRect(contour)
            long, short = max(box[1]), min(box[1])
            if short < SMALLEST or long > LARGEST * max(mask.shape) or abs(long / short / aspect - 1) > tolerance:
                continue
            filled = cv2.contourArea(cv2.convexHull(contour)) / (long * short)
            if filled < FILLED:
                continue
            corners = cv2.boxPoints(box).astype(np.float64) + 0.5
            if np.linalg.norm(corners[1] - corners[0]) < np.linalg.norm(corners[2] - corners[1]):
                corners = np.roll(corners, -1, axis=0)
            if not any(_alike(corners, other, long) for _, other in found if _ >= filled):
                found = [(f, other) for f, other in found if not _alike(corners, other, long)]
                found.append((filled, corners))
    found.sort(key=lambda each: -each[0])
    return [view.points(corners) for _, corners in found]


def _regions(pixels: NDArray[np.uint8]) -> Iterator[cv2.typing.MatLike]:
    """Masks (H, W) of 0 and 255."""
    channels = cv2.split(cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), (0, 0), 1.5))
    kernel = np.ones((5, 5), np.uint8)
    edges: cv2.typing.MatLike = np.zeros(pixels.shape[:2], np.uint8)
    for channel in channels:
        low, high = np.percentile(channel, [1, 99.5])
        for level in np.linspace(low, high, LEVELS + 2)[1:-1]:
            above = ((channel > level) * 255).astype(np.uint8)
            for mask in (above, 255 - above):
                yield cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
        edges = cv2.bitwise_or(edges, cv2.Canny(channel, 20, 60))
    yield cv2.dilate(edges, np.ones((3, 3), np.uint8))


def _alike(one: NDArray[np.float64], other: NDArray[np.float64], long: float) -> bool:
    nearest = [np.linalg.norm(other - corner, axis=1).min() for corner in one]
    return max(nearest) < SAME * long
