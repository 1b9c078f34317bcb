"""Small things about the rows of Gaussians that all densifications need."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.splats import Rendering

__all__ = ["rotate", "seen"]


def rotate(
    quats: Tensor,  # (N, 4) wxyz, need not be unit
    vectors: Tensor,  # (N, 3)
) -> Tensor:  # (N, 3)
    """Turn each vector by its quaternion."""
    quats = torch.nn.functional.normalize(quats, dim=1)
    w, axis = quats[:, :1], quats[:, 1:]
    cross = torch.linalg.cross(axis, vectors)
    return vectors + 2 * (w * cross + torch.linalg.cross(axis, cross))


def seen(rendering: Rendering) -> Tensor:  # (C, N) bool
    """Which Gaussians touch each camera's image."""
    assert rendering.radii is not None  # always there where gradients are tracked
    return rendering.radii > 0
