"""Points that one picture shows are found again in another, in C++: looked up, or compared by what is around them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.splats.compiled import camera_values, native

__all__ = ["RayPoints", "WindowRules", "compare_windows", "look_up"]


@dataclass(frozen=True)
class RayPoints:
    """Points along rays that begin in one place: ``origin + depth · ray``."""

    origin: list[float]  # (3,) [m]
    rays: Tensor  # (…, 3) in the world
    depth: Tensor  # (…) [rays' lengths]


@dataclass(frozen=True)
class WindowRules:
    """How windows are compared."""

    radius: int
    """[pixels]"""
    noise: float
    """Variance of grain, which is added to that of each window."""
    difference: float
    """Means that differ by so much are not alike at all."""


def look_up(
    points: RayPoints,
    camera: Camera,
    surface: Tensor,  # (H, W) [m] how deep what the camera sees is
    numbers: Tensor,  # (H, W) int32 whose it is
    number: int,
) -> tuple[Tensor, Tensor, Tensor]:  # (…) int32, (…) [m], (…) bool
    """Of each point the flat index of the pixel that it falls on, how far it lies behind the surface there, and whether
    that is inside the picture and shows what has the ``number``.

    Raises:
        UsageError: arrays that do not fit each other.
    """
    place, behind, inside = (torch.empty(points.depth.shape, dtype=t) for t in (torch.int32, torch.float32, torch.bool))
    try:
        seen = camera_values(camera), _float(surface), numbers.int().contiguous(), number
        native.look_up(*_plain(points), *seen, place, behind, inside)
    except ValueError as problem:
        raise UsageError(f"looking points up: {problem}") from None
    return place, behind, inside


def compare_windows(
    gray: Tensor,  # (h, w)
    own: Tensor,  # (h, w) bool: pixels that count
    points: RayPoints,  # (h, w) that they show
    shifts: Tensor,  # (T,) [rays' lengths] of the depth
    camera: Camera,
    picture: Tensor,  # (H, W) what it shows
    rules: WindowRules,
) -> tuple[Tensor, Tensor]:  # (T, h, w) -1..1, (T, h, w) 0..1; 0 where pixels do not count
    """How alike another picture is about each pixel of one, for each shift of its depth.

    A window's pixels that count are carried over to the other picture by their own depths, and its values are taken
    there between the pixels' centres.  The first result is the normalised cross correlation, variances raised by the
    grain's; the second is 1 where the windows' means are equal and falls to 0.

    Raises:
        UsageError: arrays that do not fit each other.
    """
    pattern, level = torch.empty(2, len(shifts), *gray.shape)
    try:
        mine = _float(gray), own.bool().contiguous(), *_plain(points)
        theirs = _float(shifts), camera_values(camera), _float(picture)
        native.compare_windows(*mine, *theirs, rules.radius, rules.noise, rules.difference, pattern, level)
    except ValueError as problem:
        raise UsageError(f"comparing windows: {problem}") from None
    return pattern, level


def _plain(points: RayPoints) -> tuple[list[float], Tensor, Tensor]:
    return points.origin, _float(points.rays), _float(points.depth)


def _float(values: Tensor) -> Tensor:
    return values.float().contiguous()
