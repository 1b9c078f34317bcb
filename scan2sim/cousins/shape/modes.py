"""The deformations that a shape allows, each a direction in one space of parameters, and the map of a mixture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scan2sim.cousins.shape.axis_warp import CHANNELS, KNOTS, AxisWarp, knot_places
from scan2sim.cousins.shape.bump_warp import BumpWarp
from scan2sim.cousins.shape.config import Kind
from scan2sim.cousins.shape.outline import Outline
from scan2sim.cousins.shape.wall_warp import WallWarp
from scan2sim.cousins.shape.warp import Chain, Warp

__all__ = ["Mode", "mixed", "modes_of", "with_bumps"]

Array = NDArray[np.float64]
Values = dict[str, float | str | list[float]]

LONG = 1.25  # a thing this much longer than wide may be tapered, bulged and bent along its length
TALL = 0.9  # a thing this high over its width may be bent
OPEN = 0.12  # of the height above the floor over which a rim's flare rises at the least
SHEAR = 0.8  # at the most, by one deformation; 1 is 45°
WALLED = 0.99  # an inner wall's radius is at most this, over the outer one's
BUMPS = 4
BUMP_WIDTH = 0.3  # over the longest side
BUMP_STEEPNESS = 0.6  # Lipschitz constant of the strongest bumps


@dataclass(frozen=True)
class Mode:
    """One deformation; its strength is 0 for none, and what it means at the most is said where it is made."""

    kind: Kind
    low: float  # the most that is plausible in one direction, ≤ 0 …
    high: float  # … and in the other
    values: Callable[[float], Values]  # what a strength means, for the record
    upright: Array | None = None  # (KNOTS, 6) of an AxisWarp along z, for strength 1
    lying: Array | None = None  # (KNOTS, 6) of an AxisWarp along x
    wall: float = 0.0  # logarithm of how much thicker the wall becomes
    bumps: BumpWarp | None = None


def mixed(
    modes: Sequence[Mode],
    strengths: Sequence[float],
    outline: Outline,
    span: tuple[float, float],  # [m] where the shape begins along x, and its length
) -> Warp:
    """The map of all modes together: logarithms of scales, angles and offsets add up, then one kind of map follows
    the other, each a diffeomorphism that keeps z = 0."""
    upright, lying, wall, bumps = np.zeros((KNOTS, 6)), np.zeros((KNOTS, 6)), 0.0, []
    for mode, strength in zip(modes, strengths, strict=True):
        if mode.upright is not None:
            upright += strength * mode.upright
        if mode.lying is not None:
            lying += strength * mode.lying
        if mode.bumps is not None:
            bumps.append(replace(mode.bumps, pushes=strength * mode.bumps.pushes))
        wall += strength * mode.wall
    warps: list[Warp] = []
    if wall:
        warps.append(_wall_warp(outline, wall))
    if upright.any():
        warps.append(AxisWarp(2, 0.0, outline.height, upright))
    if lying.any():
        warps.append(AxisWarp(0, *span, lying))
    return Chain([*warps, *bumps])


def modes_of(outline: Outline, kinds: Sequence[Kind]) -> list[Mode]:
    """The modes of the given kinds that make sense for a shape."""
    size = float(max(*outline.extent, outline.height))
    makers: dict[Kind, Callable[[Outline], Iterator[Mode]]] = {
        "stretch": _stretches,
        "taper": _tapers,
        "bulge": _bulges,
        "bend": _bends,
        "twist": _twists,
        "neck": _necks,
        "rim": _rims,
        "body": _bodies,
        "wall": _walls,
    }
    modes = [_gentle(mode, outline) for kind in kinds if kind in makers for mode in makers[kind](outline)]
    if "bumps" in kinds:
        still = BumpWarp(np.zeros((BUMPS, 3)), np.zeros((BUMPS, 3)), BUMP_WIDTH * size, max(0.5 * outline.height, 1e-6))
        modes.append(Mode("bumps", -1.0, 1.0, lambda s: {"lipschitz": abs(s) * BUMP_STEEPNESS}, bumps=still))
    return modes


def with_bumps(
    mode: Mode,
    places: Array,  # (N, 3) [m] to choose centres from
    rng: np.random.Generator,
) -> Mode:
    """The mode with bumps of its own drawn, if it is one of bumps."""
    if mode.bumps is None:
        return mode
    drawn = replace(mode.bumps, centres=rng.choice(places, BUMPS), pushes=rng.normal(size=(BUMPS, 3)))
    return replace(mode, bumps=replace(drawn, pushes=drawn.pushes * (BUMP_STEEPNESS / drawn.lipschitz)))


def _gentle(mode: Mode, outline: Outline) -> Mode:
    """The mode with its ends drawn in so that no place is sheared by more than ``SHEAR``: what changes a flat thing's
    width over its height moves its edge far within a few millimetres."""
    shear = 1e-12
    for knots, far, length in (
        (mode.upright, float(outline.extent.max()) / 2, outline.height),
        (mode.lying, max(float(outline.extent[1]) / 2, outline.height), float(outline.extent[0])),
    ):
        if knots is not None:
            step = (knot_places()[1] - knot_places()[0]) * length
            shear = max(shear, float(np.abs(np.diff(knots[:, :2], axis=0)).max()) / step * far)
    return replace(mode, low=max(mode.low, -SHEAR / shear), high=min(mode.high, SHEAR / shear))


def _channels(**given: float | Array) -> Array:  # (KNOTS, 6)
    knots = np.zeros((KNOTS, len(CHANNELS)))
    for name, values in given.items():
        knots[:, CHANNELS.index(name)] = values
    return knots


def _wide(profile: float | Array) -> Array:
    return _channels(log_scale_1=profile, log_scale_2=profile)


def _factor(**names: str) -> Callable[[float], Values]:
    return lambda s: {**names, "factor": math.exp(s)}


def _ends(axis: str) -> Callable[[float], Values]:
    return lambda s: {"axis": axis, "far_over_near": math.exp(2 * s)}


def _middle(axis: str) -> Callable[[float], Values]:
    return lambda s: {"axis": axis, "middle_over_ends": math.exp(s)}


def _slopes(ends: int) -> Callable[[float], Values]:
    return lambda s: {"angle_deg": ends * math.degrees(math.atan(s))}


def _rise(t: Array) -> Array:
    """From 0 at t = 0 to 1 at t = 1, smooth at both ends."""
    s = t.clip(0, 1)
    return s * s * (3 - 2 * s)


def _stretches(outline: Outline) -> Iterator[Mode]:
    """At the most 1.65 times as high, 1.4 times as wide; a round thing becomes oval by a fifth."""
    oval = 0.2 if outline.round else 0.45
    yield Mode("stretch", -0.45, 0.5, _factor(axis="up"), upright=_channels(log_slope=1.0))
    yield Mode("stretch", -0.35, 0.35, _factor(axis="across"), upright=_wide(1.0))
    yield Mode("stretch", -oval, oval, _factor(axis="length"), upright=_channels(log_scale_1=1.0))
    yield Mode("stretch", -oval, oval, _factor(axis="width"), upright=_channels(log_scale_2=1.0))


def _tapers(outline: Outline) -> Iterator[Mode]:
    """At the most twice as wide at one end as at the other."""
    t = knot_places().clip(0, 1)
    yield Mode("taper", -0.35, 0.35, _ends("up"), upright=_wide(2 * t - 1))
    if _elongated(outline):
        yield Mode("taper", -0.3, 0.3, _ends("length"), lying=_wide(2 * t - 1))


def _bulges(outline: Outline) -> Iterator[Mode]:
    """At the most 1.4 times as wide in the middle as at the ends."""
    t = knot_places().clip(0, 1)
    hump = 4 * t * (1 - t)
    yield Mode("bulge", -0.3, 0.35, _middle("up"), upright=_wide(hump))
    if _elongated(outline):
        yield Mode("bulge", -0.3, 0.35, _middle("length"), lying=_wide(hump - 2 / 3))


def _bends(outline: Outline) -> Iterator[Mode]:
    """By at most 20° from end to end when it stands, 40° when it lies."""
    t = knot_places().clip(0, 1)
    if outline.height > TALL * outline.extent.max() and outline.floor is None:
        parabola = t * t / 2 * outline.height
        yield Mode("bend", -0.36, 0.36, _slopes(1), upright=_channels(offset_1=parabola))
        yield Mode("bend", -0.36, 0.36, _slopes(1), upright=_channels(offset_2=parabola))
    if _elongated(outline):
        parabola = ((2 * t - 1) ** 2 - 1 / 3) / 4 * outline.extent[0]
        yield Mode("bend", -0.36, 0.36, _slopes(2), lying=_channels(offset_1=parabola))


def _twists(outline: Outline) -> Iterator[Mode]:
    """By at most 60°, less when it is flat."""
    most = min(1.05, 0.6 * outline.height / max(float(outline.extent.max()), 1e-9))
    t = knot_places().clip(0, 1)
    yield Mode("twist", -most, most, lambda s: {"angle_deg": math.degrees(s)}, upright=_channels(turn=t - 0.5))


def _necks(outline: Outline) -> Iterator[Mode]:
    """At the most half again as wide and twice as long, or the reverse."""
    if outline.neck is not None:
        start = outline.neck / outline.height
        above = _rise((knot_places() - start) / 0.1 + 0.5)
        yield Mode("neck", -0.4, 0.4, _factor(measure="width"), upright=_wide(above))
        yield Mode("neck", -0.6, 0.7, _factor(measure="length"), upright=_channels(log_slope=above))


def _bodies(outline: Outline) -> Iterator[Mode]:
    """What is below a neck: at the most 1.4 times as wide and 1.5 times as high."""
    if outline.neck is not None:
        start = outline.neck / outline.height
        below = 1 - _rise((knot_places() - start) / 0.1 + 0.5)
        yield Mode("body", -0.3, 0.35, _factor(measure="width"), upright=_wide(below))
        yield Mode("body", -0.4, 0.4, _factor(measure="height"), upright=_channels(log_slope=below))


def _rims(outline: Outline) -> Iterator[Mode]:
    """A hollow thing's rim: at the most 1.4 times as wide, and 1.8 times as high above the floor."""
    if outline.floor is not None:
        t, floor = knot_places(), outline.floor / outline.height
        flare = ((t - floor) / (1 - floor)).clip(0, 1) ** 2
        yield Mode("rim", -0.3, 0.35, _factor(measure="flare"), upright=_wide(flare))
        above = _rise((t - floor) / max(OPEN, floor))
        yield Mode("rim", -0.5, 0.6, _factor(measure="height"), upright=_channels(log_slope=above))


def _walls(outline: Outline) -> Iterator[Mode]:
    """A round hollow thing's wall and floor: at the most 0.55 to 2.2 times as thick."""
    if outline.floor is None or not outline.round or not np.any(outline.inner < WALLED * outline.outer):
        return
    inner, outer = _walled(outline)
    least, most = WallWarp.limits(inner, outer)
    low, high = math.log1p(max(least, -0.45)), math.log1p(min(most, 1.2))
    if high > 0:
        below = 1 - _rise((knot_places() * outline.height / outline.floor - 1) / 0.5 + 0.5)
        yield Mode("wall", low, high, _factor(measure="thickness"), upright=_channels(log_slope=below), wall=1.0)


def _elongated(outline: Outline) -> bool:
    along, across = outline.extent
    return bool(along > LONG * max(across, outline.height)) and outline.floor is None


def _walled(outline: Outline) -> tuple[Array, Array]:  # (LEVELS,) inner and outer radius, everywhere
    """Below the floor there is no inner wall; that of the lowest level that has one stands for it."""
    known = np.flatnonzero(~np.isnan(outline.inner) & (outline.inner < WALLED * outline.outer))
    places = np.arange(len(outline.inner))
    inner = np.interp(places, known, outline.inner[known])
    return np.minimum(inner, WALLED * outline.outer), outline.outer


def _wall_warp(outline: Outline, thicker: float) -> WallWarp:
    inner, outer = _walled(outline)
    known = ~np.isnan(outline.inner)
    inward = (outer - inner) * math.expm1(thicker) * np.convolve(np.pad(known, 1, "edge"), [0.25, 0.5, 0.25], "valid")
    return WallWarp(outline.semi, outline.levels, inner, outer, inward)
