"""Small rigid motions as six numbers."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["se3_exp"]


def se3_exp(
    twists: Tensor,  # (..., 6) rotation vector [rad], then translation
) -> Tensor:  # (..., 4, 4)
    """Exponential map of se(3): the rigid motion after moving with the given angular and linear velocity for 1 s.

    The matrix exponential of ``[[ω]ₓ v; 0 0]``; differentiable everywhere, at zero too (Murray, Li & Sastry 1994, "A
    Mathematical Introduction to Robotic Manipulation", section 2.3).
    """
    x, y, z, *translation = twists.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [
        torch.stack([zero, -z, y, translation[0]], -1),
        torch.stack([z, zero, -x, translation[1]], -1),
        torch.stack([-y, x, zero, translation[2]], -1),
        torch.stack([zero, zero, zero, zero], -1),
    ]
    return torch.linalg.matrix_exp(torch.stack(rows, -2))
