"""What a shape is made of, from its radius over its height: round or not, hollow, a floor, a rim, a neck, a body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVELS", "Outline", "outline_of"]

Array = NDArray[np.float64]

LEVELS = 24
SIDEWAYS = 0.3  # least radial part of a wall's normal
FLAT = 0.8  # least vertical part of a floor's normal
ROUND = 0.06  # largest median departure of a round thing's radius from its circle, over the radius
HOLLOW = 0.3  # least share of walls that face the axis, over those that face away
FEWEST = 3  # places that say where a wall is
NECK_WIDTH = 0.7  # a neck is at most so wide, over the body
NECK_ENDS = 0.25  # of the way from its narrowest radius to the body's
NECK_LENGTH = (0.16, 0.6)  # of the height
NECK_EVEN = 0.75  # least radius over largest: a dome narrows, a neck goes on
SLENDER = 0.8  # least height over width of what has a neck


@dataclass(frozen=True)
class Outline:
    """A shape that stands on z = 0, seen as radii about the vertical axis."""

    height: float  # [m]
    extent: Array  # (2,) [m] along x and y
    semi: Array  # (2,) a and b with a b = 1: the elliptic radius is |(x / a, y / b)|
    levels: Array  # (LEVELS,) [m] heights
    outer: Array  # (LEVELS,) [m] elliptic radius of the outside
    inner: Array  # (LEVELS,) [m] that of the inside, NaN where it is full
    round: bool
    floor: float | None  # [m] height of a hollow thing's floor
    neck: float | None  # [m] height at which a neck begins


def outline_of(
    places: Array,  # (N, 3) [m] points spread evenly over the surface, standing frame
    normals: Array,  # (N, 3) outward
) -> Outline:
    """Find the parts of a shape; what it has not is None."""
    height = float(places[:, 2].max())
    reach = np.linalg.norm(places[:, :2], axis=1)
    radial = np.einsum("ni,ni->n", places[:, :2], normals[:, :2]) / np.maximum(reach, 1e-12)
    outside, inside = radial > SIDEWAYS, radial < -SIDEWAYS
    spread = np.sqrt((places[outside, :2] ** 2).mean(0)) if outside.any() else np.ones(2)
    semi = spread / np.sqrt(max(spread.prod(), 1e-24))
    radius = np.hypot(places[:, 0] / semi[0], places[:, 1] / semi[1])
    level = (places[:, 2] / max(height, 1e-12) * LEVELS).astype(np.int64).clip(0, LEVELS - 1)
    outer = _by_level(radius, level, outside)
    within = inside & (radius < np.where(np.isnan(outer), np.inf, outer)[level])
    inner = _by_level(radius, level, within)
    outer = _filled(outer, float(radius.max()))
    off = np.abs(radius - outer[level])[outside] / np.maximum(outer[level][outside], 1e-12)
    levels = (np.arange(LEVELS) + 0.5) / LEVELS * height
    return Outline(
        height=height,
        extent=np.ptp(places[:, :2], axis=0),
        semi=semi,
        levels=levels,
        outer=outer,
        inner=inner,
        round=bool(len(off) and np.median(off) < ROUND),
        floor=_floor(places, normals, radius, inner, height) if within.sum() > HOLLOW * outside.sum() else None,
        neck=_neck(levels, outer, height) if height > SLENDER * 2 * outer.max() else None,
    )


def _by_level(radius: Array, level: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Array:  # (LEVELS,)
    """The median radius of the chosen places of each level, NaN where there are few."""
    found = np.full(LEVELS, np.nan)
    for k in range(LEVELS):
        here = radius[chosen & (level == k)]
        if len(here) >= FEWEST:
            found[k] = np.median(here)
    return found


def _filled(values: Array, otherwise: float) -> Array:
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(LEVELS, otherwise)
    return np.interp(np.arange(LEVELS), known, values[known])


def _floor(places: Array, normals: Array, radius: Array, inner: Array, height: float) -> float | None:
    """The height of what faces upwards in the middle of a thing that is open above."""
    if np.isnan(inner[LEVELS // 2 :]).mean() > 0.5:
        return None
    middle = (radius < 0.5 * np.nanmax(inner)) & (normals[:, 2] > FLAT)
    if middle.sum() < FEWEST:
        return None
    floor = float(np.median(places[middle, 2]))
    return floor if 0 < floor < 0.6 * height else None


def _neck(levels: Array, outer: Array, height: float) -> float | None:
    """Where the radius stays small up to the top, above a wider body."""
    body, narrow = outer.max(), outer[LEVELS // 2 :].min()
    if narrow > NECK_WIDTH * body:
        return None
    wide = np.flatnonzero(outer > narrow + NECK_ENDS * (body - narrow))
    first = int(wide[-1]) + 1
    length = 1 - first / LEVELS
    part = outer[first : LEVELS - 1]
    if not NECK_LENGTH[0] <= length <= NECK_LENGTH[1] or len(part) < 3 or part.min() < NECK_EVEN * part.max():
        return None
    return float(levels[first] - height / (2 * LEVELS))
