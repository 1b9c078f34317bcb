"""An earlier training in another frame is carried over, and training goes on from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from scan2sim.errors import FitError
from scan2sim.fit import align_start, train
from scan2sim.fit.initialize import first_gaussians
from scan2sim.splats import rasterize, rotate_gaussians
from tests.fit.synthetic import blobs, posed_capture
from tests.fit.test_trainer import CONFIG

EARLIER_FROM_NOW = np.eye(4)
EARLIER_FROM_NOW[:3, :3] = 1.7 * Rotation.from_rotvec([0.4, -0.2, 1.1]).as_matrix()
EARLIER_FROM_NOW[:3, 3] = [0.3, 2.0, -0.4]


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    return posed_capture(tmp_path_factory.mktemp("photos"))


def moved(posed):
    """The same capture in another frame, with another scale."""
    frames = []
    for frame in posed.frames:
        pose = EARLIER_FROM_NOW @ frame.camera.world_from_camera
        pose[:3, :3] /= 1.7
        frames.append(replace(frame, camera=replace(frame.camera, world_from_camera=pose)))
    return replace(posed, frames=tuple(frames))


def test_gaussians_come_back_into_the_frame_of_the_photos(posed):
    earlier = moved(posed)
    theirs = rotate_gaussians(blobs(), EARLIER_FROM_NOW)
    ours = align_start(theirs, earlier, posed, {"001.png", "004.png", "007.png", "elsewhere.png"})
    torch.testing.assert_close(ours.means, blobs().means, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.scales, blobs().scales, atol=1e-6, rtol=1e-4)
    camera = posed.frames[2].camera
    torch.testing.assert_close(rasterize(ours, [camera]).colors, rasterize(blobs(), [camera]).colors, atol=2e-3, rtol=0)


def test_what_cannot_be_aligned_is_said(posed):
    earlier = moved(posed)
    with pytest.raises(FitError, match="share 2 photos"):
        align_start(blobs(), earlier, posed, {"001.png", "004.png", "nowhere.png"})
    everyone = {frame.name for frame in posed.frames}
    line = []
    for i, frame in enumerate(posed.frames):
        pose = frame.camera.world_from_camera.copy()
        pose[:3, 3] = [0.1 * i, 0, 0]
        line.append(replace(frame, camera=replace(frame.camera, world_from_camera=pose)))
    with pytest.raises(FitError, match="in a line"):
        align_start(blobs(), earlier, replace(posed, frames=tuple(line)), everyone)
    swapped = [replace(f, name=g.name) for f, g in zip(posed.frames, reversed(posed.frames), strict=True)]
    with pytest.raises(FitError, match="do not fit each other"):
        align_start(blobs(), replace(posed, frames=tuple(swapped)), posed, everyone)


def test_few_steps_after_a_warm_start_beat_the_same_steps_without(posed, tmp_path):
    for name in ("first", "cold", "warm"):
        (tmp_path / name).mkdir()
    first = train(posed, tmp_path / "first", CONFIG)
    short = replace(CONFIG, steps=40)
    cold = train(posed, tmp_path / "cold", short)
    warm = train(posed, tmp_path / "warm", short, start=first.gaussians)
    assert warm.figures["held_out_psnr"] > cold.figures["held_out_psnr"] + 2
    assert len(warm.gaussians) <= CONFIG.max_gaussians


def test_new_sparse_points_fill_what_the_earlier_training_lacks(posed):
    half = blobs()
    half = half[half.means[:, 0] < 0]
    joined = first_gaussians(posed, half, replace(CONFIG, sh_degree=1))
    added = joined[len(half) :]
    assert joined.sh.shape[1] == 4
    assert torch.equal(joined.means[: len(half)], half.means)
    assert len(added) > 40
    assert float((added.means[:, 0] > 0).float().mean()) > 0.95
    capped = first_gaussians(posed, half, replace(CONFIG, max_gaussians=100, sh_degree=0))
    assert len(capped) == 100
    broken = replace(half, means=half.means * torch.nan)
    with pytest.raises(FitError, match="no Gaussians"):
        first_gaussians(posed, broken, CONFIG)
