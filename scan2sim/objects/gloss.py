"""Pixels that show the mirror image of a light, which is not where the surface is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from scan2sim.objects.quantile import quantile_of_seen
from scan2sim.objects.windows import Crop, StereoView, look

__all__ = ["mirrors_light", "typical_brightness"]

GLOSS = 10 / 255  # a pixel brighter than its surface is in other photos by this mirrors a light
DIFFUSE = 0.35  # quantile of a surface point's brightness over all photos that counts as its own
SAME = 0.012  # photos whose surface is so near to a point see it [camera distances]
BRIGHT = 0.88  # share of an object's pixels that are dark enough not to mirror a light


def typical_brightness(views: list[StereoView], count: int) -> Tensor:  # (count + 1,)
    """The brightness that most of each mesh's pixels stay below, over all views; index 0 is infinite."""
    limits = [torch.inf]
    for number in range(1, count + 1):
        pixels = torch.cat([view.gray[view.sight.number == number] for view in views])
        limits.append(float(np.quantile(pixels.numpy(), BRIGHT)) if len(pixels) else torch.inf)
    return torch.tensor(limits)


def mirrors_light(
    crop: Crop,
    view: StereoView,
    views: list[StereoView],
    bright: Tensor,  # (count + 1,) what is brighter, by mesh number, may be a reflection
    unit: float,  # camera distance [m]
) -> Tensor:  # (h, w) bool
    """Which pixels are brighter than their surface is in other photos, or are among the brightest of a mesh."""
    return (crop.gray - _diffuse(crop, view, views, SAME * unit) >= GLOSS) | (crop.gray >= bright[crop.number])


def _diffuse(crop: Crop, view: StereoView, views: list[StereoView], same: float) -> Tensor:  # (h, w)
    """How bright each pixel's surface point is in the darker of all photos that see it; infinite where none does."""
    own = crop.own
    points = replace(crop, rays=crop.rays[own], depth=crop.depth[own], own=own[own])
    samples, seen = [], []
    for other in views:
        place, behind, inside = look(points, view, other)
        samples.append(other.gray.flatten().numpy()[place])
        seen.append((inside & (behind.abs() < same)).numpy())
    diffuse = torch.full(own.shape, torch.inf)
    diffuse[own] = torch.from_numpy(quantile_of_seen(np.stack(samples), np.stack(seen), DIFFUSE))
    return diffuse
