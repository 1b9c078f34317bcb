"""Pictures as policies see them: display colours, small, with the goals as discs that lie on the table."""

from __future__ import annotations

import torch
from torch import Tensor

from .rotations import matrix_of

__all__ = ["GOAL_COLOR", "decoded", "paint_goals", "shrunk"]

GOAL_COLOR = (0.9, 0.1, 0.8)
OPAQUE = 0.8
TABLE = 0.006  # [m] that what is seen may be nearer than a disc and still lie below it: splats of a table are fuzzy


def paint_goals(
    colors: Tensor,  # (N, H, W, 3) in 0..1
    depth: Tensor,  # (N, H, W) [m] along the camera's axis; what is not positive is infinitely far
    intrinsics: Tensor,  # (N, 3, 3) [pixels]
    position: Tensor,  # (N, 3) [m] of the cameras
    xyzw: Tensor,  # (N, 4) of the cameras, z ahead and y down
    discs: Tensor,  # (N, M, 4) centres and radii [m], level
) -> Tensor:  # (N, H, W, 3)
    """The pictures with every disc where its plane is nearer than what is seen, or just below it."""
    height, width = depth.shape[1:]
    rows = torch.arange(height, device=depth.device) + 0.5
    columns = torch.arange(width, device=depth.device) + 0.5
    x = (columns[None, None] - intrinsics[:, 0, 2, None, None]) / intrinsics[:, 0, 0, None, None]
    y = (rows[None, :, None] - intrinsics[:, 1, 2, None, None]) / intrinsics[:, 1, 1, None, None]
    x, y = x.expand(-1, height, -1), y.expand(-1, -1, width)
    turned = matrix_of(xyzw[:, [3, 0, 1, 2]])
    rays = torch.stack([x, y, torch.ones_like(x)], dim=-1) @ turned.transpose(1, 2)[:, None]  # (N, H, W, 3)
    seen = torch.where(depth > 0, depth, torch.inf)
    for centre, radius in zip(discs[..., :3].unbind(1), discs[..., 3].unbind(1), strict=True):
        rise = centre[:, 2] - position[:, 2]
        way = rise[:, None, None] / rays[..., 2]  # along the camera's axis
        point = position[:, None, None] + way[..., None] * rays
        inside = (point[..., :2] - centre[:, None, None, :2]).norm(dim=-1) < radius[:, None, None]
        inside &= (way > 0) & (way * rays[..., 2].abs() < seen * rays[..., 2].abs() + TABLE)
        mixed = OPAQUE * colors.new_tensor(GOAL_COLOR) + (1 - OPAQUE) * colors
        colors = torch.where(inside[..., None], mixed, colors)
    return colors


def decoded(colors: Tensor) -> Tensor:  # 0..1 → 0..1
    """Undo sRGB's transfer function (IEC 61966-2-1).

    Newton's ray tracer takes the colours of splats for linear light and encodes them, but they were fitted to photos as
    these are; decoded, they are that again.
    """
    return torch.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)


def shrunk(pictures: Tensor, factor: int) -> Tensor:  # (N, H, W, C) → (N, H / factor, W / factor, C)
    """Means over squares of pixels: one ray a pixel is grainy."""
    count, height, width, channels = pictures.shape
    squares = pictures.reshape(count, height // factor, factor, width // factor, factor, channels)
    return squares.mean(dim=(2, 4))
