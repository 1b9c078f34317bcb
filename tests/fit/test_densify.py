"""Strategies against what they are meant to keep, and each of them in a training that was interrupted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.fit.config import FitConfig
from scan2sim.fit.densify_config import DensifyConfig, GradientConfig, McmcConfig
from scan2sim.fit.densify_error import prune_and_split
from scan2sim.fit.densify_gradient import GradientStrategy, clone_split_prune
from scan2sim.fit.densify_mcmc import McmcStrategy, shared_gaussian
from scan2sim.fit.parameters import Parameters
from scan2sim.splats import Gaussians, rasterize
from tests.fit.synthetic import INTRINSICS, blobs, camera_at

CONFIG = FitConfig(steps=100, max_gaussians=1000, densify=DensifyConfig(every=10, start=0.0, until=0.9))


def parameters_of(gaussians: Gaussians, config: FitConfig = CONFIG) -> Parameters:
    """Parameters that have taken a few steps, so that their moments are not zero."""
    parameters = Parameters(gaussians, config, 0.5)
    for _ in range(3):
        for tensor in parameters.tensors.values():
            tensor.grad = torch.ones_like(tensor)
        parameters.step(0.0, torch.ones(len(gaussians), dtype=torch.bool))
    return parameters


@pytest.mark.parametrize("opacity", [0.006, 0.1, 0.7, 0.99, 0.999999])
@pytest.mark.parametrize("copies", [1, 2, 3, 17, 51])
def test_copies_of_a_gaussian_block_as_much_light_as_the_one(opacity, copies):
    """The integral of 1 - (1 - o' g(x / s'))^n over a line equals that of o g(x)."""
    new, shrink = shared_gaussian(torch.tensor([opacity], dtype=torch.float64), torch.tensor([copies]))
    assert (1 - new.item()) ** copies == pytest.approx(1 - opacity, rel=1e-6)
    x = np.linspace(-12, 12, 20_001)
    blended = 1 - (1 - new.item() * np.exp(-0.5 * (x / shrink.item()) ** 2)) ** copies
    assert np.trapezoid(blended, x) == pytest.approx(opacity * math.sqrt(2 * math.pi), rel=1e-5)


def test_the_papers_double_sum_is_our_single_one():
    for n, o in [(2, 0.3), (5, 0.6), (12, 0.95)]:
        new, shrink = shared_gaussian(torch.tensor([o], dtype=torch.float64), torch.tensor([n]))
        total = sum(
            math.comb(i - 1, k) * (-1) ** k / math.sqrt(k + 1) * new.item() ** (k + 1)
            for i in range(1, n + 1)
            for k in range(i)
        )
        assert shrink.item() == pytest.approx(o / total, rel=1e-9)


def test_mcmc_moves_dead_gaussians_grows_to_the_cap_and_hardly_changes_the_picture():
    truth = blobs(300)
    logits = truth.opacity_logits.clone()
    logits[:40] = -9.0  # opacity 1e-4
    parameters = Parameters(replace(truth, opacity_logits=logits), CONFIG, 0.5)
    strategy = McmcStrategy(parameters, 0.5, replace(CONFIG, max_gaussians=310))
    before = rasterize(parameters.gaussians.detached(), [camera_at(0.3)]).colors
    strategy.after_step(10, 1)
    assert len(parameters) == 310
    assert float(parameters.gaussians.opacities.detach().min()) > 0.005
    after = rasterize(parameters.gaussians.detached(), [camera_at(0.3)]).colors
    assert float((after - before).abs().mean()) < 0.01


def test_mcmc_jitters_only_what_is_transparent_and_along_its_own_extent():
    gaussians = blobs(200)
    logits = torch.full((200,), 3.0)
    logits[:100] = -6.0
    flat = torch.tensor([0.02, 0.02, 0.0002]).log().repeat(200, 1)
    gaussians = replace(gaussians, opacity_logits=logits, log_scales=flat)
    parameters = Parameters(gaussians, CONFIG, 0.5)
    McmcStrategy(parameters, 0.5, CONFIG).after_step(1, 1)
    moved = (parameters.tensors["means"].detach() - gaussians.means).abs()
    assert float(moved[100:].max()) < 1e-6
    assert float(moved[:100, :2].mean()) > 1e-3
    assert float(moved[:100, 2].max()) < 1e-3 * float(moved[:100, :2].max())
    still = Parameters(gaussians, CONFIG, 0.5)
    quiet = replace(CONFIG, densify=replace(CONFIG.densify, mcmc=McmcConfig(noise=0)))
    McmcStrategy(still, 0.5, quiet).after_step(1, 1)
    assert torch.equal(still.tensors["means"], gaussians.means)


def test_gradients_in_the_image_clone_the_small_and_split_the_large():
    gaussians = blobs(100)
    log_scales = gaussians.log_scales.clone()
    log_scales[:10] = math.log(0.03)  # over 0.01 of 0.5 m; the others are made smaller than that
    log_scales[10:] = math.log(0.002)
    gradients = torch.zeros(100)
    gradients[5:15] = 1.0
    parameters = parameters_of(replace(gaussians, log_scales=log_scales))
    was = parameters.gaussians.detached()
    clone_split_prune(parameters, gradients, 0.5, CONFIG, torch.Generator().manual_seed(0), remove_large=False)
    now = parameters.gaussians.detached()
    assert len(now) == 100 - 5 + 5 + 10  # 5 parents go, 5 clones and 10 children come
    torch.testing.assert_close(now.log_scales[-10:], was.log_scales[5:10].repeat(2, 1) - math.log(1.6))
    distance = (now.means[-10:] - was.means[5:10].repeat(2, 1)).norm(dim=1) / was.scales[5:10, 0].repeat(2)
    assert 0.3 < float(distance.mean()) < 3
    assert torch.equal(now.means[95:100], was.means[10:15])
    first = parameters.state()["adam/means/first"]
    assert float(first[:95].abs().min()) > 0  # those that stay keep their history,
    assert float(first[95:].abs().max()) == 0  # new ones have none


def test_the_cap_takes_the_largest_gradients_and_transparent_and_huge_ones_go():
    gaussians = blobs(100)
    logits, log_scales = gaussians.opacity_logits.clone(), gaussians.log_scales.clone()
    logits[:7], log_scales[7:10] = -8.0, math.log(0.2)
    parameters = Parameters(replace(gaussians, opacity_logits=logits, log_scales=log_scales), CONFIG, 0.5)
    gradients = torch.linspace(0.0, 1.0, 100)
    config = replace(CONFIG, max_gaussians=97)
    clone_split_prune(parameters, gradients, 0.5, config, torch.Generator().manual_seed(0), remove_large=True)
    assert len(parameters) == 97 - 3
    means = parameters.tensors["means"].detach()
    assert not torch.isin(gaussians.means[96:].flatten(), means.flatten()).any()  # the four largest were split
    assert torch.isin(gaussians.means[10:96].flatten(), means.flatten()).all()


def test_opacities_are_reset_and_gradients_averaged_over_what_was_seen():
    config = replace(
        CONFIG, densify=replace(CONFIG.densify, every=1000, gradient=GradientConfig(reset_every=20, reset_opacity=0.1))
    )
    parameters = Parameters(blobs(50), config, 0.5)
    strategy = GradientStrategy(parameters, 0.5, config)
    rendering = rasterize(parameters.gaussians, [camera_at(0.0)])
    rendering.colors.sum().backward()
    strategy.after_backward(rendering)
    state = strategy.state()
    assert rendering.means2d is not None
    assert rendering.means2d.grad is not None
    scaled = rendering.means2d.grad[0] * torch.tensor([INTRINSICS.width / 2, INTRINSICS.height / 2])
    torch.testing.assert_close(state["densify/sums"], scaled.norm(dim=1))
    assert state["densify/counts"].tolist() == [1.0] * 50
    strategy.after_step(20, 1)
    assert float(parameters.gaussians.opacities.detach().max()) == pytest.approx(0.1, abs=1e-5)


def test_splitting_by_error_keeps_the_long_axis_and_the_target():
    gaussians = blobs(100)
    log_scales = gaussians.log_scales.clone()
    log_scales[:, 1] = math.log(0.05)
    parameters = Parameters(replace(gaussians, log_scales=log_scales), CONFIG, 0.5)
    scores = torch.zeros(100)
    scores[3], scores[50] = 5.0, 1.0
    prune_and_split(parameters, scores, 102, 0.005, torch.Generator().manual_seed(0))
    now = parameters.gaussians.detached()
    assert len(now) == 102
    torch.testing.assert_close((now.means[3] + now.means[100]) / 2, gaussians.means[3])
    offset = now.means[3] - gaussians.means[3]
    torch.testing.assert_close(offset.abs(), torch.tensor([0.0, 0.025, 0.0]), rtol=1e-3, atol=1e-6)
    assert now.scales[100, 1].item() == pytest.approx(0.025, rel=1e-4)
