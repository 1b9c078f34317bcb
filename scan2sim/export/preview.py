"""The picture of a scene that goes beside an export, and that a check compares with."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.splats import Gaussians, rasterize

__all__ = ["picture"]


def picture(gaussians: Gaussians, camera: Camera) -> Tensor:  # (H, W, 3) in 0..1
    """The Gaussians as the camera sees them."""
    with torch.no_grad():
        return rasterize(gaussians, [camera]).colors[0].clamp(0, 1).cpu()
