"""Normals and object ids of pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.errors import UsageError
from scan2sim.geometry import transform
from scan2sim.splats import Gaussians, available_isas, rasterize, set_isa
from tests.splats.scenes import SCENES, blob, camera, relative_error, trainable
from tests.splats.test_poses import CAMERAS, objects


@pytest.fixture(params=available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    set_isa(request.param)
    yield request.param
    set_isa(available_isas()[-1])


def disc(tilt: float) -> Gaussians:
    """Opaque discs that tile a plane through the origin, its normal turned from z by ``tilt`` around x."""
    x, y = torch.meshgrid(torch.linspace(-1, 1, 21), torch.linspace(-1, 1, 21), indexing="ij")
    flat = torch.stack([x.flatten(), y.flatten(), torch.zeros(441)], 1)
    quat = torch.tensor([np.cos(tilt / 2), np.sin(tilt / 2), 0, 0]).float()
    turn = torch.tensor([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]).float()
    return Gaussians(
        means=flat @ turn.T,
        quats=quat.expand(441, 4).clone(),
        log_scales=torch.tensor([0.08, 0.08, 0.002]).log().expand(441, 3).clone(),
        opacity_logits=torch.full((441,), 6.0),
        sh=torch.zeros(441, 1, 3),
    )


@pytest.mark.parametrize("tilt", [0.0, 0.4, np.pi, np.pi + 0.3])
def test_the_normal_of_a_plane(tilt: float) -> None:
    rendering = rasterize(disc(tilt), [camera()], normals=True)
    assert rendering.normals is not None
    middle = rendering.normals[0, 10:18, 15:25]
    up = torch.tensor([0, -np.sin(tilt), np.cos(tilt)]).float()
    expected = up if up[2] > 0 else -up  # the camera is above
    torch.testing.assert_close(middle, rendering.alphas[0, 10:18, 15:25] * expected, atol=1e-4, rtol=0)
    assert rendering.alphas[0, 10:18, 15:25].min() > 0.9


def test_native_normals_are_those_of_torch_with_gradients(isa: str) -> None:
    scene, poses = objects()
    found = []
    for backend, dtype in (("native", torch.float32), ("torch", torch.float64)):
        leaves = trainable(scene, dtype)
        features = torch.ones(60, 2, dtype=dtype)
        r = rasterize(leaves, CAMERAS, poses=poses, features=features, normals=True, backend=backend)  # pyright: ignore[reportArgumentType]
        assert r.normals is not None
        assert r.features is not None
        (r.normals * r.normals.detach().flip(1)).sum().backward()
        found.append((r.normals.detach(), r.features.detach(), leaves.quats.grad, leaves.means.grad))
    for native, truth in zip(*found, strict=True):
        assert relative_error(native, truth) < 1e-3


def test_normals_turn_with_their_object() -> None:
    pose = transform((0, 0, 0), (np.cos(0.2), np.sin(0.2), 0, 0))  # 0.4 around x
    scene = disc(0.0).with_ids(torch.zeros(441, dtype=torch.int32))
    posed = rasterize(scene, [camera()], poses=torch.from_numpy(pose)[None, None], normals=True).normals
    torch.testing.assert_close(posed, rasterize(disc(0.4), [camera()], normals=True).normals, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["two cameras", "many small", "opaque", "none", "odd size", "needles"])
def test_native_ids_are_those_of_torch(name: str, isa: str) -> None:
    scene, cameras = SCENES[name]
    scene = replace(scene, opacity_logits=scene.opacity_logits + 2)
    scene = scene.with_ids(torch.arange(len(scene), dtype=torch.int32) % 3)
    native = rasterize(scene, cameras, ids=True).ids
    truth = rasterize(scene, cameras, ids=True, backend="torch").ids
    assert native is not None
    assert truth is not None
    assert (native != truth).float().mean() < 2e-3  # where a weight is one half but for rounding
    if name in ("two cameras", "opaque"):
        assert set(native.unique().tolist()) == {0, 1, 2}


def test_an_id_needs_more_than_half_of_the_weight() -> None:
    """Two coincident Gaussians of two objects; the pixel belongs to the one that paints over half, or to none."""
    for first, second, expected in ((0.6, 0.9, 1), (0.3, 0.9, 2), (0.45, 0.5, 0)):
        logits = torch.tensor([first, second]).logit()
        scene = Gaussians(
            torch.tensor([[0.0, 0, 1e-3], [0, 0, -1e-3]]),  # the first is nearer to the camera above
            torch.tensor([[1.0, 0, 0, 0]]).expand(2, 4),
            torch.full((2, 3), 0.5).log(),
            logits,
            torch.zeros(2, 1, 3),
            torch.tensor([1, 2], dtype=torch.int32),
        )
        view = camera(eye=(0.01, 0.0, 2.0))
        found = rasterize(scene, [view], ids=True).ids
        assert found is not None
        assert found[0, 14, 20] == expected


def test_ids_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="no object_ids"):
        rasterize(blob(3), [camera()], ids=True)
    with pytest.raises(UsageError, match="outside of 0"):
        rasterize(blob(3).with_ids(torch.tensor([0, -1, 5000], dtype=torch.int32)), [camera()], ids=True)
