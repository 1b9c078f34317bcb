"""Gaussians on meshes lie on them, flat, and evenly."""

from __future__ import annotations

import numpy as np
import torch
import trimesh
from scipy.spatial import KDTree

from scan2sim.bodies import colors_of
from scan2sim.scene import surface_splats
from scan2sim.splats.quaternions import rotation_matrices
from tests.scene.factory import colored


def test_splats_lie_flat_on_the_surface_with_its_colours() -> None:
    ball = colored(trimesh.creation.icosphere(subdivisions=3, radius=0.05), (200, 40, 20))
    splats = surface_splats(ball, colors_of(ball), 1500, seed=3)
    out = splats.means / splats.means.norm(dim=1, keepdim=True)
    assert torch.allclose(splats.means.norm(dim=1), torch.tensor(0.05), rtol=0.01)
    thin = rotation_matrices(splats.quats)[:, :, int(splats.log_scales[0].argmin())]
    assert (thin * out).sum(1).abs().min() > 0.99
    assert torch.allclose(splats.base_colors, torch.tensor([200, 40, 20]) / 255, atol=0.01)
    gaps = KDTree(splats.means.numpy()).query(ball.sample(2000, seed=0))[0]
    assert gaps.max() < 4 * np.exp(splats.log_scales.max().item()), "no holes"


def test_the_same_seed_gives_the_same_splats() -> None:
    box = trimesh.creation.box([0.1, 0.02, 0.05])
    one, two, other = (surface_splats(box, colors_of(box), 100, seed) for seed in (0, 0, 1))
    assert torch.equal(one.means, two.means)
    assert not torch.equal(one.means, other.means)
    assert one.finite.all()
