"""How much of the photos each Gaussian paints, and what is left within a budget."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.photos import Photo
from scan2sim.splats import Gaussians, accumulate

__all__ = ["most_important", "painted_pixels"]


def painted_pixels(
    gaussians: Gaussians,
    photos: list[Photo],
    factor: int,  # by which the photos are reduced
) -> Tensor:  # (N,) [pixels of the photos as they are trained on]
    """Sum of each Gaussian's blending weights over all pixels of all photos (Fan et al. 2024, "LightGaussian")."""
    total = torch.zeros_like(gaussians.opacity_logits)
    for photo in photos:
        image, camera = photo.view(factor)
        total += accumulate(gaussians, [camera], torch.ones_like(image[None, :, :, :1]))[:, 0] * factor**2
    return total


def most_important(
    importance: Tensor,  # (N,)
    budget: int,
) -> Tensor:  # (M,) int64, ascending, M = min(N, budget)
    """Rows of the ``budget`` Gaussians with the largest importance; of equal ones the first."""
    order = importance.sort(descending=True, stable=True).indices
    return order[:budget].sort().values
