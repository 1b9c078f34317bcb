"""Quaternions wxyz in torch, attached to autograd; on numpy arrays they are in ``scan2sim.geometry``."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["quaternion_product", "rotation_matrices"]


def quaternion_product(
    a: Tensor,  # (..., 4)
    b: Tensor,  # (..., 4)
) -> Tensor:  # (..., 4)
    """Hamilton product a ⊗ b: turns by b, then by a; leading axes are broadcast."""
    (w, x, y, z), (p, q, r, s) = a.unbind(-1), b.unbind(-1)
    parts = [w * p - x * q - y * r - z * s, w * q + x * p + y * s - z * r]
    return torch.stack([*parts, w * r - x * s + y * p + z * q, w * s + x * r - y * q + z * p], -1)


def rotation_matrices(
    quats: Tensor,  # (N, 4) need not be unit
) -> Tensor:  # (N, 3, 3)
    """The rotation of each quaternion."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=1).unbind(1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, 1).unflatten(1, (3, 3))
