"""Directions and rotations, in batches."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["matrix_of", "unit_of"]


def unit_of(angle: Tensor) -> Tensor:  # (...,) [rad] → (..., 2)
    """The direction that lies so far from the x axis."""
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def matrix_of(wxyz: Tensor) -> Tensor:  # (..., 4) → (..., 3, 3)
    """The rotation matrix of a quaternion of any length."""
    w, x, y, z = (wxyz / wxyz.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
