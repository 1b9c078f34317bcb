"""Gradients in cameras and poses, and features that differ from camera to camera."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats import Gaussians, Rendering, rasterize
from tests.splats.scenes import blob, camera, random_like, relative_error, trainable
from tests.splats.test_poses import CAMERAS, objects

IMAGES = ("colors", "alphas", "depths")


def world_from_camera() -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(view.world_from_camera) for view in CAMERAS]))


def loss_of(rendering: Rendering) -> Tensor:
    parts = [(random_like(getattr(rendering, n), k) * getattr(rendering, n)).sum() for k, n in enumerate(IMAGES)]
    return torch.stack(parts).sum()


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("posed", [False, True])
def test_native_gradients_in_cameras_and_poses_are_those_of_torch(posed: bool, antialiased: bool) -> None:
    scene, placed = objects()
    found = []
    for backend, dtype in (("native", torch.float32), ("torch", torch.float64)):
        leaves = trainable(scene, dtype)
        cameras, poses = world_from_camera().requires_grad_(), placed.clone().requires_grad_()
        rendering = rasterize(
            leaves,
            CAMERAS,
            poses=poses if posed else None,
            world_from_camera=cameras,
            antialiased=antialiased,
            backend=backend,  # pyright: ignore[reportArgumentType]
        )
        loss_of(rendering).backward()
        found.append([cameras.grad, leaves.means.grad] + ([poses.grad] if posed else []))
    for native, truth in zip(*found, strict=True):
        assert truth.norm() > 1
        assert relative_error(native, truth) < 1e-3


def test_reference_gradients_in_cameras_by_finite_differences() -> None:
    scene, poses = objects()
    scene = Gaussians(*(t.double() for t in list(vars(scene).values())[:5]), object_ids=scene.object_ids)[:8]

    def images(cameras: Tensor, placed: Tensor) -> tuple[Tensor, ...]:
        views = [camera(5, 4), camera(5, 4)]
        r = rasterize(scene, views, poses=placed, world_from_camera=cameras, backend="torch")
        return r.colors, r.depths

    inputs = (world_from_camera().requires_grad_(), poses.clone().requires_grad_())
    assert torch.autograd.gradcheck(images, inputs, atol=1e-4, eps=1e-6)


def test_cameras_alone_can_be_wanted() -> None:
    scene = blob(30)
    cameras = world_from_camera().requires_grad_()
    loss_of(rasterize(scene, CAMERAS, world_from_camera=cameras)).backward()
    trained = trainable(scene)
    again = world_from_camera().requires_grad_()
    loss_of(rasterize(trained, CAMERAS, world_from_camera=again)).backward()
    assert cameras.grad is not None
    torch.testing.assert_close(cameras.grad, again.grad)


def test_a_shifted_principal_point_is_found_again_by_descent() -> None:
    """Sixty steps on the camera's position alone bring a displaced camera back."""
    scene, view = blob(60, size=0.1), camera(64, 48)
    target = rasterize(scene, [view]).colors
    truth = torch.from_numpy(np.asarray(view.world_from_camera))[None]
    shift = torch.tensor([0.03, -0.02, 0.02], dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([shift], lr=2e-3)
    for _ in range(60):
        moved = truth + torch.nn.functional.pad(shift[:, None], (3, 0, 0, 1))
        ((rasterize(scene, [view], world_from_camera=moved).colors - target) ** 2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert shift.detach().norm() < 2e-3


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_features_of_each_camera(backend: str) -> None:
    scene = blob(40)
    features = random_like(torch.zeros(2, 40, 3), 4).requires_grad_()
    both = rasterize(scene, CAMERAS, features=features, backend=backend)  # pyright: ignore[reportArgumentType]
    assert both.features is not None
    for k, view in enumerate(CAMERAS):
        one = rasterize(scene, [view], features=features[k])
        torch.testing.assert_close(both.features[k], one.features[0], atol=1e-5, rtol=1e-4)
    weight = random_like(both.features, 5)
    (both.features * weight).sum().backward()
    alone = features[0].detach().clone().requires_grad_()
    blended = rasterize(scene, CAMERAS[:1], features=alone).features
    assert blended is not None
    (blended * weight[:1]).sum().backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad[0], alone.grad, atol=1e-4, rtol=1e-3)


def test_projections_can_be_left_out() -> None:
    scene = blob(20)
    rendering = rasterize(scene, CAMERAS, projected=False)
    assert rendering.means2d is None
    assert rendering.radii is None
    assert torch.equal(rendering.colors, rasterize(scene, CAMERAS).colors)


def test_cameras_that_do_not_fit() -> None:
    for wrong in (torch.eye(4), torch.full((2, 4, 4), torch.nan)):
        with pytest.raises(UsageError, match="world_from_camera"):
            rasterize(blob(3), CAMERAS, world_from_camera=wrong)
    with pytest.raises(UsageError, match="features"):
        rasterize(blob(3), CAMERAS, features=torch.zeros(3, 3, 1))
