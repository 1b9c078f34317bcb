"""Gaussians to pack, how far apart two sets are, and the ones that other people's programs have packed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from scan2sim.splats import Gaussians
from tests.splats.scenes import blob

REFERENCE = Path(__file__).with_name("reference")


def packable(count: int, degree: int, seed: int = 0) -> Gaussians:
    """Random Gaussians whose harmonics and colours lie in the ranges of all formats."""
    random = blob(count, degree, seed=seed)
    return replace(random, sh=torch.cat([random.sh[:, :1].clamp(-1.7, 1.7), random.sh[:, 1:].clamp(-0.98, 0.98)], 1))


def reference_gaussians() -> Gaussians:
    """What the files in ``reference`` were made from."""
    return Gaussians(
        means=torch.tensor([[0.5, -1.25, 2.0], [-100.0, 0.01, 3.0], [0.0, 7.0, -0.5]]),
        quats=torch.tensor([[1.0, 0, 0, 0], [0.5, -0.5, 0.1, 0.7], [-0.2, 0.3, 0.9, -0.1]]),
        log_scales=torch.tensor([[-3.0, -4, -5], [-1, 0, 1], [-6, -2, -2.5]]),
        opacity_logits=torch.tensor([0.0, 2, -3]),
        sh=(torch.arange(3 * 16 * 3).reshape(3, 16, 3) * 37 % 101 / 101.0 - 0.5),
    )


def farthest(a: Tensor, b: Tensor) -> float:
    """Largest difference of two numbers."""
    assert a.shape == b.shape
    return (a - b).abs().max().item() if a.numel() else 0.0


def angles(a: Gaussians, b: Gaussians) -> Tensor:  # (N,) [degrees]
    """Between the rotations."""
    one, two = (torch.nn.functional.normalize(g.quats.double(), dim=1) for g in (a, b))
    two = torch.where((one * two).sum(1, keepdim=True) < 0, -two, two)
    return torch.rad2deg(4 * torch.asin((one - two).norm(dim=1) / 2))
