"""What one camera sees of a scene: colours, object ids and depths; and the camera of a picture that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.scene.types import Scene
from scan2sim.splats import Gaussians, rasterize

__all__ = ["PREVIEW_SIDE", "Picture", "draw", "viewpoint"]

PREVIEW_SIDE = 480  # [pixels]
SOLID = 0.5  # a pixel has a depth when more than this of its weight says so


@dataclass(frozen=True)
class Picture:
    """What one camera sees."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    ids: NDArray[np.uint16]  # (H, W) the id whose blended weight is largest and over 0.5, else 0
    depth: NDArray[np.float32]  # (H, W) [m] along the camera's z, 0 = nothing there


def draw(
    gaussians: Gaussians,  # scene frame, with object ids
    camera: Camera,
    ids: Sequence[int],
) -> Picture:
    """Draw Gaussians over black; what belongs to none of ``ids`` counts as background."""
    owner = gaussians.object_ids
    if owner is None:
        raise ValueError("the Gaussians carry no object ids")
    rows = torch.zeros_like(owner)  # ids may be too large for the rasterizer to count up to
    for row, number in enumerate(ids, start=1):
        rows[owner == number] = row
    with torch.no_grad():
        drawn = rasterize(gaussians.with_ids(rows), [camera], ids=bool(ids))
    height, width = camera.intrinsics.height, camera.intrinsics.width
    rgb = (drawn.colors[0].clamp(0, 1) * 255).round().byte().cpu().numpy()
    alpha = drawn.alphas[0].reshape(height, width)
    depth = torch.where(alpha > SOLID, drawn.depths[0].reshape(height, width), 0.0).float().cpu().numpy()
    label = np.zeros((height, width), np.uint16)
    if drawn.ids is not None:
        label = np.array([0, *ids], np.uint16)[drawn.ids[0].cpu().numpy()]
    return Picture(rgb, label, depth)


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
