"""The picture of a scene that goes beside an export, and that a check compares with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.scene import Scene
from scan2sim.splats import Gaussians, rasterize

__all__ = ["PREVIEW_SIDE", "picture", "viewpoint"]

PREVIEW_SIDE = 480  # [pixels]


def viewpoint(scene: Scene, gaussians: Gaussians, side: int = PREVIEW_SIDE) -> Camera:
    """The middle camera of the capture; of a scene without cameras, from above its front.

    The longer side of its picture has ``side`` pixels.
    """
    if scene.cameras:
        camera = scene.cameras[len(scene.cameras) // 2].camera
        scale = side / max(camera.intrinsics.width, camera.intrinsics.height)
        return camera.resized(*(max(1, round(scale * n)) for n in (camera.intrinsics.width, camera.intrinsics.height)))
    means = gaussians.means.numpy() if len(gaussians) else np.zeros((1, 3))
    centre = np.median(means, axis=0)
    radius = max(float(np.quantile(np.linalg.norm(means - centre, axis=1), 0.9)), 0.05)
    eye = centre + radius * np.array([0.9, -2.0, 1.4])
    half = side / 2
    return Camera(Intrinsics(side, side, 2 * half, 2 * half, half, half), look_at(eye, centre))


def picture(gaussians: Gaussians, camera: Camera) -> Tensor:  # (H, W, 3) in 0..1
    """The Gaussians as the camera sees them."""
    with torch.no_grad():
        return rasterize(gaussians, [camera]).colors[0].clamp(0, 1).cpu()
