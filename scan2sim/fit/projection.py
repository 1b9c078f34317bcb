"""Points seen by a camera, in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.geometry import inverse_transform

__all__ = ["NEAR", "pixel_of", "project_points"]

NEAR = 0.01  # [m] as the rasterizer


def project_points(
    points: Tensor,  # (N, 3) [m] world
    camera: Camera,
) -> tuple[Tensor, Tensor]:  # (N, 2) [pixels], (N,) depth along z [m]
    """Project points; those with a depth below 1 cm have meaningless pixels."""
    camera_from_world = torch.from_numpy(inverse_transform(camera.world_from_camera)).to(points)
    local = points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    k = camera.intrinsics
    focal, centre = local.new_tensor([k.fx, k.fy]), local.new_tensor([k.cx, k.cy])
    z = local[:, 2]
    return local[:, :2] / z.clamp_min(NEAR)[:, None] * focal + centre, z


def pixel_of(
    positions: Tensor,  # (N, 2) [pixels]
    width: int,
    height: int,
) -> tuple[Tensor, Tensor]:  # (N,) int64 index into the flattened image, (N,) bool: inside of it
    """The pixel that each position lies in; positions outside get the nearest one."""
    finite = positions.isfinite().all(1)
    whole = torch.where(finite[:, None], positions, 0.0).floor().clamp(-1, max(width, height)).long()
    x, y = whole.unbind(1)
    inside = finite & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return y.clamp(0, height - 1) * width + x.clamp(0, width - 1), inside
