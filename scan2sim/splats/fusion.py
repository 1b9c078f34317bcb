"""Depth pictures become a grid of signed distances, in C++."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.splats.compiled import camera_values, native

__all__ = ["DepthPicture", "FusionWeights", "fuse_depths"]


@dataclass(frozen=True)
class DepthPicture:
    """What one camera sees of an object and of what is around it."""

    camera: Camera
    depth: Tensor  # (H, W) [m] along z, 0 = nothing there
    own: Tensor  # (H, W) bool: pixels that show the object
    trust: Tensor | None = None  # (H, W) 0..1: how far the depth of the object's pixels counts, None = wholly


@dataclass(frozen=True)
class FusionWeights:
    """What a look through a point, at it, or at something before it counts."""

    reach: float
    """Distance before and behind a surface at which a look at it is cut off [m]."""
    slack: float = 0.0
    """What does not show the object may lie farther by this [m]."""
    hidden: float = 0.0
    """How much "behind the object's surface, so inside" counts against a direct look."""
    empty: float = 1.0
    """How much a pixel without any surface counts as free space."""


def fuse_depths(
    pictures: Sequence[DepthPicture],
    corner: Tensor,  # (3,) [m] the grid's first point
    cell: float,  # [m] between points
    shape: tuple[int, int, int],
    weights: FusionWeights,
) -> tuple[Tensor, Tensor]:  # (X, Y, Z) -1 (inside) to 1 (outside), (X, Y, Z) the sum of weights it has
    """Truncated signed distances of a grid's points, averaged over depth pictures; 0 where nothing is known.

    A picture tells of a point what its pixel shows (Curless & Levoy 1996, "A volumetric method for building complex
    models from range images").  Where it shows the object, the distance is ``(depth - z) / reach`` cut off at ±1;
    farther behind than ``reach`` the point counts as inside, with the weight ``hidden``.  Where it shows something else
    that lies behind the point, the point is outside by that distance; what lies before the point tells nothing.

    Raises:
        UsageError: pictures whose parts differ in size.
    """
    total, weight = torch.zeros(shape), torch.zeros(shape)
    for picture in pictures:
        k = picture.camera.intrinsics
        parts = [each for each in (picture.depth, picture.own, picture.trust) if each is not None]
        if any(tuple(each.shape) != (k.height, k.width) for each in parts):
            shapes = ", ".join(str(tuple(each.shape)) for each in parts)
            raise UsageError(f"depth picture: shapes {shapes}, the camera's is ({k.height}, {k.width})")
        native.fuse_depth(
            total,
            weight,
            corner.tolist(),
            cell,
            camera_values(picture.camera),
            picture.depth.float().contiguous(),
            picture.own.bool().contiguous(),
            None if picture.trust is None else picture.trust.float().contiguous(),
            weights.reach,
            weights.slack,
            weights.hidden,
            weights.empty,
        )
    return total / weight.clamp_min(1e-9), weight
