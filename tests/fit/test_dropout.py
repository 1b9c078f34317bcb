"""Gaussians left out of steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scan2sim.fit import DropoutConfig, FitConfig, train
from scan2sim.fit.photos import load_photos
from scan2sim.fit.training import Training
from tests.fit.synthetic import blobs, posed_capture

CONFIG = FitConfig(steps=100, coarse_to_fine=((0.0, 1),), sh_degree=0, hold_out_every=0)


@pytest.mark.parametrize(("photos", "share"), [(3, 0.2), (16, 0.2), (24, 0.1), (32, 0.0), (200, 0.0)])
def test_few_photos_leave_out_more(photos: int, share: float) -> None:
    assert DropoutConfig().share_of(photos) == pytest.approx(share)


def test_what_is_left_makes_up_for_what_is_left_out(tmp_path: Path) -> None:
    posed = posed_capture(tmp_path / "photos", views=4)
    photos = load_photos(posed.frames, 96, (1,), torch.device("cpu"))
    truth = replace(blobs(4000), opacity_logits=torch.full((4000,), -1.0))
    training = Training(truth, posed, posed.frames, photos, CONFIG)
    assert training._thinned(truth, 0.0) is truth
    thinned = training._thinned(truth, 0.5)
    left_out = thinned.opacities < 1e-6
    assert left_out.float().mean() == pytest.approx(0.1, abs=0.02)
    assert thinned.opacities.sum() == pytest.approx(truth.opacities.sum().item(), rel=0.03)
    training.done = 1
    assert not torch.equal(training._thinned(truth, 0.5).opacities < 1e-6, left_out)


def test_training_with_dropout_still_finds_the_scene(tmp_path: Path) -> None:
    """It costs some sharpness in a training as short as this, and no more."""
    posed = posed_capture(tmp_path / "photos", views=8)
    config = replace(CONFIG, steps=240, hold_out_every=4, max_gaussians=600)
    found = []
    for share in (0.0, 0.2):
        folder = tmp_path / str(share)
        folder.mkdir()
        result = train(posed, folder, replace(config, dropout=DropoutConfig(share=share)))
        found.append(result.figures["held_out_psnr"])
    assert found[0] > 20
    assert found[1] > found[0] - 2
    assert found[1] != found[0]
