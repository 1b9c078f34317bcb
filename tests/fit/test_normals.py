"""Normals of depth images of known surfaces, and the term that holds Gaussians to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.fit.loss import normal_term
from scan2sim.fit.normals import normals_from_depth
from scan2sim.geometry import look_at
from scan2sim.splats import Gaussians, rasterize

CAMERA = Camera(Intrinsics(64, 48, 70.0, 65.0, 31.0, 25.0), look_at([0.5, -0.3, 0.6], [0.0, 0.05, 0.0]))


def rays() -> tuple[np.ndarray, np.ndarray]:
    """Origin (3,) and directions (H, W, 3) in the world, of length 1 along the camera's z."""
    k = CAMERA.intrinsics
    x, y = np.meshgrid((np.arange(k.width) + 0.5 - k.cx) / k.fx, (np.arange(k.height) + 0.5 - k.cy) / k.fy)
    return CAMERA.position, np.stack([x, y, np.ones_like(x)], -1) @ CAMERA.world_from_camera[:3, :3].T


def test_a_plane_has_its_normal_everywhere_but_at_the_border():
    origin, directions = rays()
    normal = np.array([0.1, -0.2, 1.0]) / np.linalg.norm([0.1, -0.2, 1.0])
    depths = torch.from_numpy((-0.02 - origin @ normal) / (directions @ normal))
    found = normals_from_depth(depths, CAMERA)
    torch.testing.assert_close(found[1:-1, 1:-1], torch.from_numpy(normal).expand(46, 62, 3), atol=1e-9, rtol=0)
    assert float(found[0].abs().max()) == float(found[:, -1].abs().max()) == 0
    flipped = normals_from_depth(depths.float(), CAMERA)
    assert flipped.dtype == torch.float32


def test_a_sphere_has_radial_normals_and_none_beside_nothing():
    origin, directions = rays()
    centre, radius = np.array([0.0, 0.05, 0.0]), 0.2
    a, b = (directions**2).sum(-1), directions @ (origin - centre)
    inside = b**2 - a * ((origin - centre) @ (origin - centre) - radius**2)
    t = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, 0.0)
    depths = torch.from_numpy(t)
    found = normals_from_depth(depths, CAMERA)
    truth = torch.from_numpy((origin + t[..., None] * directions - centre) / radius)
    known = (found != 0).any(-1)
    assert not known[~(depths > 0)].any()
    facing = (truth * torch.from_numpy(-directions)).sum(-1) / torch.from_numpy(np.sqrt(a)) > 0.4
    assert int((known & facing).sum()) > 300
    cosines = (found * truth).sum(-1)[known & facing]
    assert float(cosines.min()) > 0.99


def test_it_is_differentiable_where_depth_is_missing_too():
    depths = torch.rand(12, 12, dtype=torch.float64) * 0.1 + 1
    there = torch.ones(12, 12, dtype=torch.bool)
    there[4, 5] = False
    depths.requires_grad_()
    assert torch.autograd.gradcheck(lambda d: normals_from_depth(torch.where(there, d, 0.0), CAMERA), (depths,))


def discs(tilt: float) -> Gaussians:
    """A sheet of discs in the plane z = 0, each turned by ``tilt`` [rad] about x."""
    grid = torch.stack(torch.meshgrid(torch.linspace(-0.3, 0.3, 25), torch.linspace(-0.3, 0.3, 25), indexing="ij"), -1)
    n = grid.numel() // 2
    return Gaussians(
        means=torch.cat([grid.reshape(-1, 2), torch.zeros(n, 1)], 1),
        quats=torch.tensor([np.cos(tilt / 2), np.sin(tilt / 2), 0, 0], dtype=torch.float32).repeat(n, 1),
        log_scales=torch.tensor([0.02, 0.02, 0.001]).log().repeat(n, 1),
        opacity_logits=torch.full((n,), 4.0),
        sh=torch.zeros(n, 1, 3),
    )


@pytest.mark.parametrize("backend", ["torch", "native"])
def test_discs_that_lie_on_the_surface_cost_nothing_and_tilted_ones_turn_back(backend):
    aligned = rasterize(discs(0.0), [CAMERA], normals=True, backend=backend)
    least = normal_term(aligned, CAMERA).item()
    assert 0 <= least < 0.01  # the sheet's rim is not flat
    tilted = discs(0.3)
    quats = tilted.quats.clone().requires_grad_()
    before = normal_term(rasterize(replace(tilted, quats=quats), [CAMERA], normals=True, backend=backend), CAMERA)
    before.backward()
    assert before.item() > least + 0.01
    assert quats.grad is not None
    with torch.no_grad():
        quats -= 0.05 * quats.grad / quats.grad.norm(dim=1).max()
    after = normal_term(rasterize(replace(tilted, quats=quats), [CAMERA], normals=True, backend=backend), CAMERA)
    assert after.item() < before.item() - 1e-4
