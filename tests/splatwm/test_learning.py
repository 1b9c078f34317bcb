"""Learning: what the solver is not told is found from motions, latents too, and a killed training goes on exactly."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from scan2sim.errors import UsageError
from splatwm.config import PhysicsConfig
from splatwm.learning import (
    Frames,
    LatentConfig,
    LearnConfig,
    Moments,
    infer_latents,
    learn,
    step_error,
    weighted_loss,
    with_latents,
    write_curves,
)
from splatwm.model import ContactNetwork, Corrections, NetworkConfig, step
from splatwm.shapes import box, ground, sphere
from splatwm.simulate import simulate
from splatwm.state import State, stack
from tests.splatwm.physics_worlds import ball_inertia, box_inertia, moving, on_the_ground

PHYSICS = PhysicsConfig(substeps=2, sweeps=8, sleep_after=0)
SHORT = LearnConfig(steps=8, unrolled=4, ahead=2, batch=6, look_every=4, told_wrong=0.5)
DT = 1 / 30
HALF = (0.03, 0.02, 0.015)
PLANE, BRICK, BALL = ground(), box(list(HALF)), sphere(0.02)


def sliding(true_friction: float, told: float, seed: int, episodes: int = 6, frames: int = 8) -> Frames:
    """A brick and a ball that were thrown along the ground, told with another friction than they have."""
    rng = np.random.default_rng(seed)
    starts = []
    for _ in range(episodes):
        start = on_the_ground(
            [BRICK, BALL],
            [[0, 0, HALF[2]], [0.3, 0, 0.02]],
            [0.2, 0.1],
            [box_inertia(0.2, HALF), ball_inertia(0.1, 0.02)],
            friction=true_friction,
        )
        start = replace(start, shapes=(PLANE, BRICK, BALL))
        speed, way = rng.uniform(0.4, 0.8, 2), rng.uniform(0, 2 * np.pi, 2)
        along = np.stack([speed * np.cos(way), speed * np.sin(way), 0 * way], 1)
        starts.append(replace(start, state=moving(start.state, [[0, 0, 0], *along])))
    batch = stack(starts)
    states: list[State] = [batch.state]
    for _ in range(frames - 1):
        states.append(simulate(states[-1], batch.shapes, None, DT, 1, PhysicsConfig(sleep_after=0)).final)
    moved = {n: torch.stack([getattr(s, n) for s in states], 1) for n in ("position", "wxyz", "linear", "angular")}
    weight = torch.ones(episodes, frames)
    weight[:, -1] = 0
    first = replace(batch.state, friction=torch.full_like(batch.state.friction, told))
    return Frames(first, batch.shapes, **moved, weight=weight, dt=DT, sources=("hall",) * episodes)


@cache
def hall(true_friction: float, told: float, seed: int) -> Frames:
    return sliding(true_friction, told, seed)


def error_of(network: ContactNetwork | None, frames: Frames, physics: PhysicsConfig = PHYSICS) -> float:
    every = Moments(torch.arange(len(frames)).repeat_interleave(6), torch.arange(6).repeat(len(frames)))
    state, truth = frames.at(every), frames.at(every, 1)
    corrector = Corrections() if network is None else network.corrector(state.latent, physics)
    with torch.no_grad():
        after = step(state, frames.shapes, DT, physics, corrector).state
        return float(weighted_loss(step_error(after, truth, DT), state, truth, DT))


def test_a_network_learns_what_the_solver_is_not_told() -> None:
    frames, others = hall(0.25, 0.5, 0), hall(0.25, 0.5, 1)
    config = LearnConfig(steps=60, unrolled=10, ahead=2, batch=12, rate=0.01, told_wrong=0, mean_over=10)
    learned = learn(frames, PHYSICS, NetworkConfig(width=16, latents=2), config)
    assert error_of(learned.network, others) < 0.5 * error_of(None, others)
    assert len(learned.history["loss"]) == 3


def test_a_killed_training_goes_on_exactly(tmp_path: Path) -> None:
    frames, sizes, looks = hall(0.25, 0.5, 0), NetworkConfig(width=16, latents=3), []

    class KilledError(Exception):
        pass

    def kill(what: str, done: int, total: int) -> None:
        looks.append(what)
        if done == 6:
            raise KilledError

    def look(network: ContactNetwork) -> dict[str, float]:
        return {"error": error_of(network, frames)}

    whole = learn(frames, PHYSICS, sizes, SHORT, look=look)
    state = tmp_path / "model.training"
    with pytest.raises(KilledError):
        learn(frames, PHYSICS, sizes, SHORT, checkpoint=state, look=look, report=kill)
    rest = learn(frames, PHYSICS, sizes, SHORT, checkpoint=state, look=look)
    assert rest.history == whole.history
    assert torch.equal(rest.latents, whole.latents)
    assert whole.latents.abs().max() > 0
    for name, value in whole.network.state_dict().items():
        assert torch.equal(rest.network.state_dict()[name], value), name
    assert "held back: error" in looks[-1]
    with pytest.raises(UsageError, match="other settings"):
        learn(frames, PHYSICS, sizes, replace(SHORT, rate=0.1), checkpoint=state)
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(UsageError, match="damaged"):
        learn(frames, PHYSICS, sizes, SHORT, checkpoint=state)


def test_another_seed_is_another_training_and_the_same_one_is_not() -> None:
    frames, sizes = hall(0.25, 0.5, 0), NetworkConfig(width=16, latents=1)
    ends = [learn(frames, PHYSICS, sizes, replace(SHORT, seed=seed)).network.state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert not torch.equal(ends[0]["contact.weight"], ends[2]["contact.weight"])


def test_latents_are_inferred_from_how_bodies_move() -> None:
    sizes = NetworkConfig(width=16, latents=1)
    network = ContactNetwork(sizes)
    with torch.no_grad():  # whatever its latent does, the best one of that is found
        network.out.bias.zero_()
        network.out.weight.normal_(0, 2.0, generator=torch.Generator().manual_seed(0))
    frames, others = hall(0.25, 0.5, 0), hall(0.25, 0.5, 1)
    latents = infer_latents(network, frames, PHYSICS, LatentConfig(steps=60, batch=12, rate=0.3, pull=0))
    assert latents.shape == (3, 1)
    assert latents[0].abs().max() == 0, "the ground does not move"
    assert error_of(network, with_latents(others, latents)) < 0.95 * error_of(network, others)


def test_errors_are_metres_of_what_moved() -> None:
    frames = hall(0.25, 0.25, 2)
    moments = Moments(torch.arange(3), torch.zeros(3, dtype=torch.int64))
    before, truth = frames.at(moments), frames.at(moments, 1)
    assert step_error(truth, truth, DT).max() < 1e-6
    shifted = replace(truth, position=truth.position + torch.tensor([0.003, 0, 0.004]))
    assert torch.allclose(step_error(shifted, truth, DT), torch.tensor(0.005), atol=1e-6)
    flipped = replace(truth, wxyz=-truth.wxyz)
    assert step_error(flipped, truth, DT).max() < 1e-6
    losses = [
        float(weighted_loss(step_error(replace(truth, position=truth.position + far), truth, DT), before, truth, DT))
        for far in (0.0, 0.001, 0.005)
    ]
    assert losses[0] < 1e-4
    assert losses[0] < losses[1] < losses[2]


def test_moments_are_drawn_where_things_move_and_can_be_followed() -> None:
    frames = hall(0.25, 0.25, 2)
    weight = frames.weight.clone()
    weight[:, :3] = 0
    frames = replace(frames, weight=weight)
    moments = frames.draw(200, 3, torch.Generator().manual_seed(0))
    assert set(moments.frame.tolist()) == {3, 4}


def test_impossible_trainings_are_refused() -> None:
    frames = hall(0.25, 0.25, 2)
    for bad in (LearnConfig(steps=0), LearnConfig(rate=float("nan")), LearnConfig(held_back=2.0)):
        with pytest.raises(UsageError, match="cannot be"):
            learn(frames, PHYSICS, NetworkConfig(), bad)
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="CUDA"):
            learn(frames, PHYSICS, NetworkConfig(), LearnConfig(device="cuda"))


def test_curves_become_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "curves.png"
    write_curves(path, {"loss": {"training": [(0, 2.0), (10, 1.0)]}, "empty": {}, "held back": {"error": [(5, 0.3)]}})
    with Image.open(path) as picture:
        assert picture.size == (900, 640)
        assert len(picture.convert("RGB").getcolors(100_000) or []) > 3
