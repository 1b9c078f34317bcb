"""Training reaches the truth it was rendered from, keeps its cap, and goes on exactly where it was killed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scan2sim.errors import FitError
from scan2sim.fit import (
    DensifyConfig,
    DepthConfig,
    DropoutConfig,
    FitConfig,
    FloatersConfig,
    GradientConfig,
    LossConfig,
    NormalsConfig,
    RatesConfig,
    RefinementConfig,
    load_fit,
    split_held_out,
    train,
)
from tests.fit.synthetic import posed_capture

CONFIG = FitConfig(
    steps=240,
    max_gaussians=600,
    max_size=96,
    sh_degree=0,
    densify=DensifyConfig(every=20),
    coarse_to_fine=((0.0, 2), (0.2, 1)),
    dropout=DropoutConfig(share=0.0),  # so few steps have nothing to spare for it
)


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    return posed_capture(tmp_path_factory.mktemp("photos"))


def test_training_reproduces_views_it_never_saw(posed, tmp_path):
    result = train(posed, tmp_path, CONFIG)
    untrained = train(posed, _new(tmp_path / "untrained"), replace(CONFIG, steps=1))
    assert result.figures["held_out_views"] == 1
    assert result.figures["held_out_psnr"] > 27
    assert result.figures["held_out_psnr"] > untrained.figures["held_out_psnr"] + 6
    rows = json.loads((tmp_path / "held-out" / "held-out.json").read_text())
    assert [row["name"] for row in rows] == ["004.png"]
    assert (tmp_path / "held-out" / "004-photo.jpg").exists()
    assert (tmp_path / "held-out" / "004-render.jpg").exists()


def test_the_number_of_gaussians_grows_to_the_cap_and_not_beyond(posed, tmp_path):
    counts = []
    result = train(posed, tmp_path, replace(CONFIG, max_gaussians=333))
    counts.append(len(result.gaussians))
    assert 150 < counts[0] <= 333


def test_the_same_seed_gives_the_same_gaussians(posed, tmp_path):
    short = replace(CONFIG, steps=60)
    a = train(posed, _new(tmp_path / "a"), short).gaussians
    b = train(posed, _new(tmp_path / "b"), short).gaussians
    c = train(posed, _new(tmp_path / "c"), replace(short, seed=1)).gaussians
    assert torch.equal(a.means, b.means)
    assert torch.equal(a.sh, b.sh)
    assert a.means.shape != c.means.shape or not torch.equal(a.means, c.means)


class _KilledError(Exception):
    pass


EVERYTHING = replace(
    CONFIG,
    poses=RefinementConfig(rate=1e-3),
    depth=DepthConfig(points=0.1),
    normals=NormalsConfig(weight=0.02),
    floaters=FloatersConfig(at=(0.4, 0.8)),
    budget=300,
    optimizer="sparse",
)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, densify=DensifyConfig("default", every=20, gradient=GradientConfig(reset_every=35))),
        replace(CONFIG, densify=DensifyConfig("mcmc", every=20)),
        replace(CONFIG, optimizer="sparse"),
        EVERYTHING,
        replace(EVERYTHING, densify=DensifyConfig("default", every=20)),
        replace(EVERYTHING, densify=DensifyConfig("mcmc", every=20)),
    ],
    ids=["error", "default", "mcmc", "sparse", "everything", "everything default", "everything mcmc"],
)
def test_training_goes_on_from_its_checkpoint_as_if_undisturbed(posed, tmp_path, config):
    config = replace(config, steps=90, checkpoint_seconds=0.0)
    undisturbed = train(posed, _new(tmp_path / "a"), config).gaussians
    folder = _new(tmp_path / "b")
    steps = []

    def kill_at_50(what: str, done: int, total: int) -> None:
        steps.append(done)
        if done == 50:
            raise _KilledError

    with pytest.raises(_KilledError):
        train(posed, folder, config, kill_at_50)
    steps.clear()
    resumed = train(posed, folder, config, lambda what, done, total: steps.append(done)).gaussians
    assert steps[0] == 50  # step 49 was the last one saved
    assert len(undisturbed) == len(resumed)
    assert torch.equal(undisturbed.means, resumed.means)
    assert torch.equal(undisturbed.opacity_logits, resumed.opacity_logits)


def test_a_damaged_checkpoint_or_another_configuration_starts_anew(posed, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04 not a checkpoint")
    steps = []
    train(posed, tmp_path, replace(CONFIG, steps=5), lambda what, done, total: steps.append(done))
    assert steps[0] == 1


def test_exposure_of_each_photo_is_found(tmp_path):
    """Photos exposed 0.8, 1.0 and 1.2 times in turn: the trained log gains say so, up to a common factor."""
    posed = posed_capture(tmp_path / "photos", gains=True)
    config = replace(CONFIG, rates=RatesConfig(exposure=0.02), checkpoint_seconds=0.0)
    train(posed, _new(tmp_path / "fit"), config)
    with np.load(tmp_path / "fit" / "checkpoint.npz", allow_pickle=False) as data:
        gains = data["exposure/values"][:, 0].mean(1)
    truth = np.log([0.8 + 0.2 * (i % 3) for i in range(12) if i != 4])
    assert np.corrcoef(gains, truth)[0, 1] > 0.9
    assert np.polyfit(truth, gains, 1)[0] == pytest.approx(1, abs=0.3)


def test_the_result_is_what_lies_on_disk(posed, tmp_path):
    result = train(posed, tmp_path, replace(CONFIG, steps=3))
    loaded = load_fit(tmp_path)
    assert torch.equal(result.gaussians.means, loaded.gaussians.means)
    assert loaded.figures == result.figures


def test_with_each_offset_in_turn_every_frame_is_held_out_once(posed):
    frames = tuple(replace(posed.frames[0], name=str(i)) for i in range(11))
    judged = [int(f.name) for offset in range(4) for f in split_held_out(frames, 4, offset)[1]]
    assert sorted(judged) == list(range(11))
    with pytest.raises(FitError, match="expected 0 to 3"):
        split_held_out(frames, 4, 4)


@pytest.mark.parametrize("strategy", ["default", "mcmc"])
def test_the_other_densifications_gain_too(posed, tmp_path, strategy):
    """More Gaussians where they are needed beat the sparse points alone."""
    densify = DensifyConfig(strategy, every=20)
    thin = LossConfig(opacity=0.003, scale=0.003, flat=30)  # few Gaussians do not suffice where they must be discs
    config = replace(CONFIG, steps=400, max_gaussians=600, loss=thin)
    grown = train(posed, _new(tmp_path / "a"), replace(config, densify=densify))
    not_grown = train(posed, _new(tmp_path / "b"), replace(config, densify=replace(densify, start=2.0)))
    assert 250 < grown.figures["gaussians"] <= 600
    assert grown.figures["held_out_psnr"] > not_grown.figures["held_out_psnr"] + 0.5


@pytest.mark.parametrize(("count", "held_out"), [(4, []), (5, [4]), (16, [4, 12])])
def test_every_eighth_frame_is_held_out(posed, count, held_out):
    frames = tuple(replace(posed.frames[0], name=str(i)) for i in range(count))
    training, judged = split_held_out(frames, 8)
    assert [int(f.name) for f in judged] == held_out
    assert len(training) + len(judged) == count


def test_a_missing_photo_and_too_few_points_are_said(posed, tmp_path):
    gone = replace(posed.frames[0], image=Path("/nowhere/000.jpg"))
    with pytest.raises(FitError, match=r"000\.jpg"):
        train(replace(posed, frames=(gone, *posed.frames[1:])), tmp_path, CONFIG)
    with pytest.raises(FitError, match="only 3 sparse points"):
        train(replace(posed, points=posed.points[:3], point_colors=posed.point_colors[:3]), tmp_path, CONFIG)


def _new(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
