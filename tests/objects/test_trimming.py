"""An object's splats after trimming: none fans out of its surface, and what photos held is as it was."""

from __future__ import annotations

import numpy as np
import torch
import trimesh

from scan2sim.objects.trimming import trimmed
from scan2sim.splats import Gaussians, concatenate

BALL = trimesh.creation.icosphere(subdivisions=4, radius=0.04)
REACH = 0.005


def gaussians(means: np.ndarray, sigmas: tuple[float, float, float]) -> Gaussians:
    n = len(means)
    return Gaussians(
        torch.tensor(means, dtype=torch.float32),
        torch.tensor([1.0, 0, 0, 0]).repeat(n, 1),
        torch.tensor(sigmas).log().repeat(n, 1),
        torch.zeros(n),
        torch.zeros(n, 1, 3),
    )


def test_what_reaches_out_is_cut_and_what_floats_is_dropped() -> None:
    skin = gaussians(np.asarray(BALL.vertices), (0.002, 0.002, 0.0005))
    fan = gaussians(np.array([[0.0, 0.0, 0.04], [0.0, 0.0, 0.0], [0.038, 0.0, 0.0]]), (0.03, 0.002, 0.001))
    floating = gaussians(np.array([[0.0, 0.0, 0.046], [0.06, 0.0, 0.0]]), (0.001, 0.001, 0.001))
    kept = trimmed(concatenate([skin, fan, floating]), BALL, REACH)
    assert len(kept) == len(skin) + len(fan)
    torch.testing.assert_close(kept.scales[: len(skin)], skin.scales)
    torch.testing.assert_close(kept.means, torch.cat([skin.means, fan.means]))
    scales, means = kept.scales[len(skin) :].numpy(), fan.means.numpy()
    torch.testing.assert_close(kept.scales[len(skin) :, 1:], fan.scales[:, 1:])
    ends = np.concatenate([means + 2 * scales[:, :1] * [1, 0, 0], means - 2 * scales[:, :1] * [1, 0, 0]])
    assert np.linalg.norm(ends, axis=1).max() < 0.04 + REACH + 1e-5
    assert (scales[:, 0] > 0.002).all()  # no more than it takes: from the top it may go 2 cm along the ball, at 5 mm


def test_an_object_without_splats_stays_one() -> None:
    assert len(trimmed(Gaussians.empty(), BALL, REACH)) == 0
