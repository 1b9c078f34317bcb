"""Which Gaussians a camera draws, for those who draw from one place again and again."""

from __future__ import annotations

import torch

from scan2sim.cameras import Camera
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.rasterize import accumulate

__all__ = ["in_sight"]


def in_sight(gaussians: Gaussians, camera: Camera) -> Gaussians:
    """Those that the camera draws; what lies behind full pixels is not among them.

    A pixel drawn from these alone differs by at most 1e-4 of a colour, the light that is left where blending stops,
    also when other things stand in front.
    """
    intrinsics = camera.intrinsics
    everywhere = torch.ones(1, intrinsics.height, intrinsics.width, 1, device=gaussians.means.device)
    return gaussians[accumulate(gaussians.with_ids(None), [camera], everywhere)[:, 0] > 0]
