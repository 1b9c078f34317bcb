"""Straight edges of printed things, found to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["EDGE_PLACES", "EdgeImage", "edge_offsets", "refine_corners"]

Array = NDArray[np.float64]

EDGE_PLACES = np.linspace(0.12, 0.88, 48)  # along an edge, of its length: corners may be round
SHORTEST = 8.0  # [pixels] edge that is looked at
FEWEST = 8  # profiles within the picture
STEP = 0.25  # [pixels] between samples of a profile
MARGIN = 3.0  # [pixels] of a profile beyond where the edge is looked for
SMOOTHING = 0.8  # [pixels] standard deviation of the derivative filter
CLEAR = 2.0  # standard deviations of texture by which luminance must tell the sides of an edge apart to decide alone
BETWEEN = 1.8  # exponent of luminance
INLIER_PX = 0.5
MIN_SHARE = 0.5  # of the profiles that must agree on a line
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class EdgeImage:
    """A photo in the two ways in which edges are looked at."""

    encoded: NDArray[np.float32]  # (H, W, 3) as in the file, 0..1: JPEG smooths colour, but moves no colour edge here
    light: NDArray[np.float32]  # (H, W) luminance, nearly linear: blur moves edges least here

    @staticmethod
    def of(pixels: NDArray[np.uint8]) -> EdgeImage:
        """From sRGB pixels (H, W, 3).

        A lens blurs linear light (an exponent of about 2.2), resampling blurs encoded values (1); both blur the photos
        that we look at.  In one space the other's blur moves edges, so luminance is taken between the two.
        """
        value = (np.arange(256) / 255) ** BETWEEN
        return EdgeImage((pixels / 255).astype(np.float32), value.astype(np.float32)[pixels] @ LUMINANCE)


def edge_offsets(
    image: EdgeImage,
    points: Array,  # (S, 2) [pixels] along an expected edge
    across: Array,  # (S or 1, 2) unit vectors across it
    reach: float,  # [pixels] to either side
    smoothing: float = SMOOTHING,  # [pixels]
    colored: bool = True,
) -> Array:  # (S,) [pixels] along ``across``, nan where there is no edge
    """Where profiles across an edge are steepest, in the direction in which its two sides differ most.

    Where luminance tells the sides apart it decides; else, if ``colored``, the colour direction that tells them
    apart best for the texture they have (Fisher 1936).
    """
    offsets = np.arange(-reach - MARGIN, reach + MARGIN + STEP / 2, STEP)
    places = points[:, None] + offsets[None, :, None] * across[:, None]  # (S, M, 2)
    height, width = image.light.shape
    inside = ((places > 1) & (places < np.array([width, height]) - 1)).all((1, 2))
    found = np.full(len(points), np.nan)
    if inside.sum() < FEWEST:
        return found
    at = [places[inside][..., 1] - 0.5, places[inside][..., 0] - 0.5]  # pixel centres lie at halves
    light = np.asarray(ndimage.map_coordinates(image.light, at, order=1), np.float32)[..., None]
    third = len(offsets) // 3
    direction, clarity = _telling_direction(light[:, :third], light[:, -third:])
    values = light @ direction
    if colored and clarity < CLEAR:
        channels = [np.asarray(ndimage.map_coordinates(image.encoded[..., c], at, order=1)) for c in range(3)]
        color = np.stack(channels, -1).astype(np.float32)
        values = color @ _telling_direction(color[:, :third], color[:, -third:])[0]
    slope = ndimage.gaussian_filter1d(values, smoothing / STEP, axis=1, order=1)
    first = int(MARGIN / STEP)
    slope = slope[:, first : len(offsets) - first]
    peak = slope.argmax(1)
    rows = np.flatnonzero((peak > 0) & (peak < slope.shape[1] - 1))
    left, middle, right = (slope[rows, peak[rows] + d] for d in (-1, 0, 1))
    finer = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-12)
    place = offsets[first] + (peak[rows] + np.clip(finer, -0.5, 0.5)) * STEP
    found[np.flatnonzero(inside)[rows]] = np.where(middle > 0, place, np.nan)
    return found


def _telling_direction(
    one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:  # (C,), how many standard deviations of their texture the two are apart
    """The direction from one region's values (…, C) to the other's that tells them apart best."""
    one, other = one.reshape(-1, one.shape[-1]), other.reshape(-1, one.shape[-1])
    within = np.atleast_2d(np.cov(one.T)) + np.atleast_2d(np.cov(other.T)) + 1e-4 * np.eye(one.shape[1])
    step = other.mean(0) - one.mean(0)
    direction = np.linalg.solve(within, step)
    length = max(float(np.linalg.norm(direction)), 1e-12)
    return (direction / length).astype(np.float32), float(np.sqrt(step @ direction))


def refine_corners(
    image: EdgeImage,
    corners: Array,  # (4, 2) [pixels] expected corners, in order around the quadrilateral
    reach: float,  # [pixels] how far the edges are looked for from where they are expected
) -> Array:  # (4, 2) nan where an edge beside the corner is not seen
    """Corners of a black and white print, as intersections of lines fitted to its edges (RANSAC, then least squares).

    Corners themselves are not looked at, since blur rounds them.
    """
    lines = [_fit_edge(image, corners[k], corners[(k + 1) % 4], reach) for k in range(4)]
    refined = np.full((4, 2), np.nan)
    for k in range(4):
        before, after = lines[k - 1], lines[k]
        if before is not None and after is not None:
            crossing = np.cross(before, after)
            if abs(crossing[2]) > 1e-9:
                refined[k] = crossing[:2] / crossing[2]
    away = np.linalg.norm(refined - corners, axis=1)
    refined[~(away < 4 * reach)] = np.nan
    return refined


def _fit_edge(image: EdgeImage, start: Array, end: Array, reach: float) -> Array | None:
    """The line (a, b, c), a x + b y + c = 0 with unit normal, along the edge from ``start`` to ``end``."""
    length = float(np.linalg.norm(end - start))
    if length < SHORTEST:
        return None
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    t = EDGE_PLACES * length
    offset = edge_offsets(image, start + t[:, None] * along, across[None], reach, colored=False)
    line = _line(t[np.isfinite(offset)], offset[np.isfinite(offset)], length, 2 * reach / length)
    if line is None:
        return None
    direction = along + line[0] * across
    direction /= np.linalg.norm(direction)
    normal = np.array([-direction[1], direction[0]])
    return np.array([*normal, -normal @ (start + line[1] * across)])


def _line(t: Array, offset: Array, length: float, most_tilt: float) -> tuple[float, float] | None:
    """Slope and level of the line ``offset = slope t + level`` through most of the places."""
    first, second = np.triu_indices(len(t), 1)
    apart = t[second] - t[first] > 0.25 * length
    first, second = first[apart], second[apart]
    tilt = (offset[second] - offset[first]) / (t[second] - t[first])
    likely = np.abs(tilt) < most_tilt
    first, tilt = first[likely], tilt[likely]
    if not len(first):
        return None
    off = np.abs(offset[None] - offset[first][:, None] - tilt[:, None] * (t[None] - t[first][:, None]))
    agreeing = off[np.minimum(off, INLIER_PX).sum(1).argmin()] < INLIER_PX
    if agreeing.sum() < MIN_SHARE * len(EDGE_PLACES):
        return None
    slope, level = np.polyfit(t[agreeing], offset[agreeing], 1)
    return float(slope), float(level)
