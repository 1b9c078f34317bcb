"""Depth samples against projection, the depth term against its formula, and training that is held to depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from scan2sim.errors import FitError
from scan2sim.fit import DepthConfig, train
from scan2sim.fit.depth import DepthSamples, point_samples, sensor_samples, sensor_scale
from scan2sim.fit.loss import depth_term
from scan2sim.splats import Rendering, rasterize
from tests.fit.synthetic import blobs, posed_capture
from tests.fit.test_trainer import CONFIG


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    """Photos with depth of a sensor that measures twice as far as the scene's guessed metre says."""
    folder = tmp_path_factory.mktemp("photos")
    capture, frames = posed_capture(folder), []
    for frame in capture.frames:
        depth = rasterize(blobs(), [frame.camera]).depths[0, :, :, 0].numpy()
        path = folder / f"{frame.name}.depth.png"
        Image.fromarray(np.round(depth * 2000).astype(np.uint16)).save(path)
        confidence = np.full(depth.shape, 2, np.uint8)
        confidence[:, :48] = 0
        np.save(folder / f"{frame.name}.npy", confidence)
        frames.append(replace(frame, depth=path, confidence=folder / f"{frame.name}.npy"))
    return replace(capture, frames=tuple(frames))


def rendering_of(depths: torch.Tensor, alphas: torch.Tensor) -> Rendering:
    empty = torch.zeros(1, *depths.shape, 3)
    return Rendering(empty, alphas[None, :, :, None], depths[None, :, :, None], depths[None], None, None, None)


def test_sparse_points_are_sampled_where_the_photo_shows_them(posed):
    samples = point_samples(posed, 3)
    assert 60 < len(samples) <= 150
    depth = rasterize(blobs(), [posed.frames[3].camera]).depths[0, :, :, 0]
    x, y = (samples.positions * torch.tensor([96, 72])).long().T
    assert float((depth[y, x] - samples.depths).abs().median()) < 0.01
    with pytest.raises(FitError, match="which photo saw which"):
        point_samples(replace(posed, observations=None), 3)


def test_a_sensor_is_brought_to_the_scenes_scale_and_its_confidence_counts(posed):
    scale = sensor_scale(posed)
    assert scale == pytest.approx(0.5, rel=0.02)
    assert sensor_scale(replace(posed, observations=None)) == 1.0
    samples = sensor_samples(posed.frames[0], scale)
    assert samples is not None
    assert 500 < len(samples) <= 4096
    assert float(samples.positions[:, 0].min()) >= 0.5  # the left half is not to be trusted
    depth = rasterize(blobs(), [posed.frames[0].camera]).depths[0, :, :, 0]
    x, y = (samples.positions * torch.tensor([96, 72])).long().T
    torch.testing.assert_close(depth[y, x] * 2 * scale, samples.depths, rtol=2e-3, atol=1e-3)
    assert sensor_samples(replace(posed.frames[0], depth=None), scale) is None


def test_the_term_is_hubers_of_the_relative_error():
    samples = DepthSamples.of(np.array([[0.1, 0.1], [0.6, 0.9], [0.9, 0.1]]), np.array([2.0, 2.0, 1.0]), np.ones(3))
    depths = torch.full((4, 6), 2.0)
    depths[3, 3] = 2.02  # 1 % off: squared
    depths[0, 5] = 1.5  # 50 % off: linear
    depths.requires_grad_()
    alphas = torch.ones(4, 6)
    loss = depth_term(rendering_of(depths, alphas), samples, 0.02)
    assert loss.item() == pytest.approx((0 + 0.01**2 / 0.04 + (0.5 - 0.01)) / 3, rel=1e-4)
    loss.backward()
    assert depths.grad is not None
    assert depths.grad[0, 5] > 0
    assert depths.grad[0, 0] == 0
    alphas[0, 5] = 0.01  # not solid: its depth says nothing
    fainter = depth_term(rendering_of(depths, alphas), samples, 0.02)
    assert fainter.item() == pytest.approx(0.01**2 / 0.04 / 3, rel=1e-3)


@pytest.mark.parametrize("depth", [DepthConfig(points=0.5, sensor=0), DepthConfig()], ids=["points", "sensor"])
def test_training_is_held_to_depth(posed, tmp_path, depth):
    few = replace(posed, frames=posed.frames[:3])  # of one side, so that depth is hard to tell from the photos
    samples = point_samples(posed, 1) if depth.points else sensor_samples(posed.frames[1], sensor_scale(posed))
    assert samples is not None
    terms = []
    for name, used in (("without", DepthConfig(sensor=0)), ("with", depth)):
        (tmp_path / name).mkdir()
        gaussians = train(few, tmp_path / name, replace(CONFIG, hold_out_every=0, depth=used)).gaussians
        terms.append(float(depth_term(rasterize(gaussians, [posed.frames[1].camera]), samples, 0.02)))
    assert terms[1] < 0.8 * terms[0]
