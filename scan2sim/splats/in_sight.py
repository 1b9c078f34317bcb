"""Which Gaussians a camera draws, for those who draw from one place again and again."""

from __future__ import annotations

import torch

from scan2sim.cameras import Camera
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.rasterize import rasterize

__all__ = ["in_sight"]


def in_sight(gaussians: Gaussians, camera: Camera) -> Gaussians:
    """Those that the camera draws."""
    with torch.no_grad():
        radii = rasterize(gaussians.with_ids(None), [camera]).radii
    return gaussians if radii is None else gaussians[radii[0] > 0]
