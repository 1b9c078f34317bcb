"""Rigid motion on tensors with any leading axes; quaternions wxyz."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["quaternion_product", "rotation_matrix", "turned_by"]

SMALL = 1e-12


def rotation_matrix(wxyz: Tensor) -> Tensor:  # (..., 4) to (..., 3, 3)
    """The rotation of unit quaternions."""
    w, x, y, z = wxyz.unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def quaternion_product(a: Tensor, b: Tensor) -> Tensor:  # (..., 4)
    """Hamilton product."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    real = aw * bw - (av * bv).sum(-1, keepdim=True)
    return torch.cat([real, aw * bv + bw * av + torch.linalg.cross(av, bv)], -1)


def turned_by(rotation: Tensor, wxyz: Tensor) -> Tensor:  # (..., 3) [rad] scene axes, (..., 4)
    """Unit quaternions turned further by rotation vectors; differentiable at no rotation."""
    square = (rotation * rotation).sum(-1, keepdim=True)
    angle = (square + SMALL).sqrt()
    turn = torch.cat([torch.cos(angle / 2), torch.sin(angle / 2) / angle * rotation], -1)
    return torch.nn.functional.normalize(quaternion_product(turn, wxyz), dim=-1)
