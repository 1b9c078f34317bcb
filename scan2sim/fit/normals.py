"""Surface normals of a depth image."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.cameras import Camera

__all__ = ["normals_from_depth"]


def normals_from_depth(
    depths: Tensor,  # (H, W) [m] along the camera's z, 0 = nothing there
    camera: Camera,
) -> Tensor:  # (H, W, 3) unit vectors in the world frame that face the camera, 0 where unknown
    """Normals as the cross product of the differences between the neighbours' points to both sides.

    Differentiable in the depths.  Unknown at the border and beside pixels without depth (Huang et al. 2024, "2D
    Gaussian Splatting", equation 15).
    """
    height, width = depths.shape
    k = camera.intrinsics
    x = (torch.arange(width, dtype=depths.dtype, device=depths.device) + 0.5 - k.cx) / k.fx
    y = (torch.arange(height, dtype=depths.dtype, device=depths.device) + 0.5 - k.cy) / k.fy
    rays = torch.stack([*torch.meshgrid(x, y, indexing="xy"), torch.ones_like(depths)], -1)
    points = rays * depths[..., None]  # (H, W, 3) in the camera's frame
    normals = torch.zeros_like(points)
    if min(height, width) < 3:
        return normals
    across = points[1:-1, 2:] - points[1:-1, :-2]
    down = points[2:, 1:-1] - points[:-2, 1:-1]
    there = depths > 0
    known = there[1:-1, 1:-1] & there[1:-1, 2:] & there[1:-1, :-2] & there[2:, 1:-1] & there[:-2, 1:-1]
    # x right cross y down points away from the camera; the other order faces it
    facing = torch.linalg.cross(down, across)
    length = torch.linalg.vector_norm(facing, dim=-1, keepdim=True)
    known = known & (length[..., 0] > 1e-20)
    unit = facing / torch.where(known[..., None], length, 1.0)
    rotation = torch.as_tensor(camera.world_from_camera[:3, :3]).to(depths)
    inner = torch.where(known[..., None], unit @ rotation.T, 0.0)
    return torch.nn.functional.pad(inner, (0, 0, 1, 1, 1, 1))
