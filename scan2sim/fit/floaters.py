"""Gaussians that are no part of any surface."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.config import FloatersConfig
from scan2sim.fit.importance import painted_pixels
from scan2sim.fit.photos import Photo
from scan2sim.fit.projection import NEAR, pixel_of, project_points
from scan2sim.splats import Gaussians, Rendering, rasterize

__all__ = ["find_floaters", "floats_in_front"]

MOST = 0.5  # of the photos that see a Gaussian
ROUNDS = 4


def find_floaters(
    gaussians: Gaussians,
    photos: list[Photo],
    factor: int,
    config: FloatersConfig,
) -> Tensor:  # (N,) bool
    """What hardly paints anything, and what floats in front of the surface for the few photos that see it.

    Fog that is dense enough hides the surface; so this looks again at what is left, until nothing floats, four times
    at most.
    """
    with torch.no_grad():
        gaussians = gaussians.detached()
        floaters = painted_pixels(gaussians, photos, factor) < config.min_paint
        for _ in range(ROUNDS):
            left = (~floaters).nonzero()[:, 0]
            found = floats_in_front(gaussians[left], photos, factor, config)
            if not found.any():
                break
            floaters[left[found]] = True
        return floaters


def floats_in_front(
    gaussians: Gaussians,
    photos: list[Photo],
    factor: int,
    config: FloatersConfig,
) -> Tensor:  # (N,) bool
    """Gaussians in free space.

    A photo sees a Gaussian whose centre it shows not behind the surface, which is where half of the light is blocked.
    In front of it by ``margin`` of the surface's depth, the Gaussian floats there.  It is a floater where it floats
    for most photos that see it, and no more than the share ``few`` of all photos does: a hair of fog in front of one
    camera, not the thin leaf that all of them look at.
    """
    seen, floating = (torch.zeros_like(gaussians.opacity_logits) for _ in range(2))
    for photo in photos:
        _, camera = photo.view(factor)
        surface = _surface(rasterize(gaussians, [camera])).flatten()
        positions, z = project_points(gaussians.means, camera)
        pixels, inside = pixel_of(positions, camera.intrinsics.width, camera.intrinsics.height)
        depth = surface[pixels]
        shown = inside & (z > NEAR) & ((depth <= 0) | (z < depth * (1 + config.margin)))
        seen += shown
        floating += shown & (depth > 0) & (z < depth * (1 - config.margin))
    return (seen > 0) & (floating > MOST * seen) & (seen <= config.few * len(photos))


def _surface(rendering: Rendering) -> Tensor:  # (H, W) [m], 0 = nothing
    """Median depth; the expected depth where a backend does not know the median."""
    median = rendering.median_depths[0, :, :, 0]
    return torch.where(median.isfinite(), median, rendering.depths[0, :, :, 0])
