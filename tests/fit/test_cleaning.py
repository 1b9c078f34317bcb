"""Floaters go and surfaces stay; a budget is kept by what matters least."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.fit import FloatersConfig, train
from scan2sim.fit.floaters import find_floaters, floats_in_front
from scan2sim.fit.importance import most_important, painted_pixels
from scan2sim.fit.photos import load_photos
from scan2sim.splats import Gaussians, concatenate, match_exposure, psnr, rasterize
from tests.fit.synthetic import blobs, camera_at, posed_capture
from tests.fit.test_trainer import CONFIG

VIEWS = 12


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    return posed_capture(tmp_path_factory.mktemp("photos"), VIEWS)


@pytest.fixture(scope="module")
def photos(posed):
    return load_photos(posed.frames, 96, (1, 2))


def fog(posed, count: int = 40) -> Gaussians:
    """Thin fog close in front of some of the cameras."""
    rng = np.random.default_rng(3)
    means = []
    for i in range(count):
        pose = posed.frames[2 * (i % 3)].camera.world_from_camera
        means.append(pose[:3, 3] + pose[:3, 2] * rng.uniform(0.05, 0.12) + rng.normal(0, 0.01, 3))
    template = blobs(count)
    return replace(
        template,
        means=torch.tensor(np.array(means), dtype=torch.float32),
        opacity_logits=torch.full((count,), -2.0),
    )


def quality(gaussians, photos):
    values = []
    for photo in photos:
        image, camera = photo.view(1)
        rendered = rasterize(gaussians, [camera]).colors[0]
        values.append(float(psnr(match_exposure(rendered, image), image)))
    return float(np.mean(values))


def test_injected_floaters_go_and_the_pictures_are_as_before(posed, photos):
    truth = blobs()
    foggy = concatenate([truth, fog(posed)])
    floaters = find_floaters(foggy, photos, 1, FloatersConfig(min_paint=0.05))
    assert float(floaters[400:].float().mean()) > 0.9
    assert float(floaters[:400].float().mean()) < 0.02
    clean = quality(foggy[~floaters], photos)
    assert quality(foggy, photos) < quality(truth, photos) - 3
    assert clean > 45  # dB; what the fog hid is there again


def test_what_most_photos_see_in_front_of_the_rest_is_no_floater(photos):
    """A faint leaf high above the sheet: no photo has it on its surface, but nearly all look at it."""
    flat = blobs().means * torch.tensor([1.0, 1, 0])
    sheet = replace(blobs(), means=flat, opacity_logits=torch.full((400,), 4.0))
    leaf = blobs(20)
    leaf = replace(
        leaf,
        means=leaf.means * 0.05 + torch.tensor([0, 0, 0.09]),
        log_scales=leaf.log_scales - 1.5,
        opacity_logits=torch.full((20,), -3.5),
    )
    scene = concatenate([sheet, leaf])
    assert not floats_in_front(scene, photos, 1, FloatersConfig())[400:].any()
    assert floats_in_front(scene, photos, 1, FloatersConfig(few=1.0))[400:].all()


def test_painted_pixels_sum_up_to_what_is_opaque(photos):
    truth = blobs()
    covered = sum(float(rasterize(truth, [photo.camera]).alphas.sum()) for photo in photos)
    assert float(painted_pixels(truth, photos, 1).sum()) == pytest.approx(covered, rel=1e-4)
    assert float(painted_pixels(truth, photos, 2).sum()) == pytest.approx(covered, rel=0.05)


def test_the_budget_takes_the_most_important_in_their_order():
    assert most_important(torch.tensor([3.0, 1.0, 2.0, 2.0, 5.0]), 3).tolist() == [0, 2, 4]
    assert most_important(torch.tensor([3.0, 1.0]), 5).tolist() == [0, 1]


def test_a_budget_is_kept_and_the_last_steps_make_up_for_it(posed, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    config = replace(CONFIG, budget_from=0.8)
    full = train(posed, tmp_path / "a", config).figures
    small = train(posed, tmp_path / "b", replace(config, budget=250))
    assert full["gaussians"] == 600
    assert small.figures["gaussians"] == len(small.gaussians) == 250
    assert small.figures["held_out_psnr"] > full["held_out_psnr"] - 3
    untuned = train(posed, tmp_path / "c", replace(config, budget=250, budget_from=1.0))
    assert untuned.figures["gaussians"] == 250
    assert small.figures["held_out_psnr"] > untuned.figures["held_out_psnr"] + 0.2


def test_floaters_are_removed_in_training_and_its_quality_stays(posed, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    start = concatenate([blobs(), fog(posed)])
    config = replace(CONFIG, steps=60, densify=replace(CONFIG.densify, start=2.0), checkpoint_seconds=100)
    foggy = train(posed, tmp_path / "a", config, start=start)
    clean = train(posed, tmp_path / "b", replace(config, floaters=FloatersConfig(at=(0.1, 1.0))), start=start)
    assert _near_cameras(foggy.gaussians) > 20
    assert _near_cameras(clean.gaussians) <= 4
    assert clean.figures["held_out_psnr"] > foggy.figures["held_out_psnr"] - 0.2


def _near_cameras(gaussians: Gaussians) -> int:
    centres = torch.tensor(np.stack([camera_at(2 * np.pi * i / VIEWS).position for i in range(VIEWS)])).float()
    return int((torch.cdist(gaussians.means, centres).amin(1) < 0.2).sum())
