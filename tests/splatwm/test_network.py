"""The network inside the solver: the same compiled as in torch, blind to frames and names, and no source of energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.config import PhysicsConfig
from splatwm.model import (
    ContactNetwork,
    Corrections,
    NetworkConfig,
    SolveInputs,
    solve,
    step,
)
from splatwm.model.rigid import rotation_matrix
from splatwm.shapes import box, cylinder
from splatwm.simulate import simulate
from splatwm.state import Start, State, stack
from tests.splatwm.physics_worlds import box_inertia, energy, in_space, momentum, moving, on_the_ground, rubble

TENSOR_LIKE = PhysicsConfig(substeps=2, sleep_after=0, turn=100, tolerance=0)


def wild(seed: int, size: float = 3.0, config: NetworkConfig = NetworkConfig()) -> ContactNetwork:  # noqa: B008 (frozen)
    """A network whose answers are anything that its bounds allow."""
    network = ContactNetwork(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in (network.out.weight, network.out.bias):
            weight.copy_(torch.randn(weight.shape, generator=generator) * size)
    return network


def settled_rubble(seed: int, frames: int = 15) -> Start:
    start = rubble(seed)
    return replace(start, state=simulate(start.state, start.shapes, None, 1 / 60, frames).final)


@pytest.mark.parametrize("config", [NetworkConfig(), NetworkConfig(width=48, latents=0)])
def test_the_compiled_network_is_the_one_in_torch(config: NetworkConfig) -> None:
    start = stack([settled_rubble(seed, frames) for seed, frames in ((1, 15), (2, 20), (3, 30))])
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(*start.state.mass.shape, config.latents, generator=generator)
    state, network = replace(start.state, latent=latent), wild(7, 1.0, config)
    compiled = simulate(state, start.shapes, None, 1 / 60, 1, TENSOR_LIKE, network=network.native())
    plain = simulate(state, start.shapes, None, 1 / 60, 1, TENSOR_LIKE)
    corrector = network.corrector(latent, TENSOR_LIKE)
    stepped = step(state, start.shapes, 1 / 60, TENSOR_LIKE, corrector)
    there = state.mask
    for name, tolerance in (("position", 1e-6), ("wxyz", 1e-5), ("linear", 2e-5), ("angular", 1e-3)):
        difference = (getattr(stepped.state, name) - getattr(compiled.final, name))[there]
        assert difference.abs().max() < tolerance, name
    assert (compiled.final.linear - plain.final.linear)[there].abs().max() > 1e-2, "the network does something"


def test_every_instruction_set_has_the_same_network() -> None:
    start, network, best, ends = settled_rubble(6), wild(1).native(), _native.isa(), []
    try:
        for name in _native.available_isas():
            _native.set_isa(name)
            ends.append(simulate(start.state, start.shapes, None, 1 / 60, 4, TENSOR_LIKE, network=network).position)
    finally:
        _native.set_isa(best)
    for end in ends[1:]:
        assert (end - ends[0]).abs().max() < 1e-5


def test_untrained_it_is_the_analytic_solver() -> None:
    start = rubble(5)
    network = ContactNetwork(NetworkConfig(), seed=3).native()
    with_it = simulate(start.state, start.shapes, None, 1 / 30, 30, network=network)
    without = simulate(start.state, start.shapes, None, 1 / 30, 30)
    assert torch.equal(with_it.position, without.position)
    assert torch.equal(with_it.wxyz, without.wxyz)


def test_corrections_turn_with_the_scene_and_do_not_depend_on_tangents_or_the_order_of_bodies() -> None:
    start, network, config = settled_rubble(6, 12), wild(2, 1.0), TENSOR_LIKE
    latent = torch.randn(6, 6, generator=torch.Generator().manual_seed(1))
    problem = first_problem(start, config)
    plain = network.corrector(latent, config)(problem, True)
    # a turn about an odd axis, gravity with it: q = (cos, sin · axis); then one of the tangents about the normal
    axis, angle = np.array([0.6, -0.48, 0.64]), 1.1
    turn = rotation_matrix(torch.tensor([np.cos(angle / 2), *(np.sin(angle / 2) * axis)], dtype=torch.float32))
    c, s = float(np.cos(0.7)), float(np.sin(0.7))
    twist = torch.tensor([[1.0, 0, 0], [0, c, s], [0, -s, c]])

    def turned(x: torch.Tensor) -> torch.Tensor:
        return (x.reshape(-1, 3) @ turn.T).reshape(x.shape)

    tilted = replace(config, gravity=tuple(turned(torch.tensor(config.gravity)).tolist()))
    moved = replace(
        problem,
        before=turned(problem.before),
        free=turned(problem.free),
        inverse_inertia=turn @ problem.inverse_inertia @ turn.T,
        frame=twist @ problem.frame @ turn.T,
        arm_a=turned(problem.arm_a),
        arm_b=turned(problem.arm_b),
    )
    also = network.corrector(latent, tilted)(moved, True)
    flip = torch.tensor([-1.0, -1.0, 1.0])[:, None]  # the normal enters a, and one tangent keeps the frame right-handed
    swapped = replace(
        problem, a=problem.b, b=problem.a, arm_a=problem.arm_b, arm_b=problem.arm_a, frame=flip * problem.frame
    )
    other = network.corrector(latent, config)(swapped, True)
    bias = in_scene(problem, plain)
    assert bias.abs().max() > 1e-3, "there is something that could turn wrongly"
    assert torch.allclose(in_scene(moved, also), turned(bias), atol=1e-5)
    assert torch.allclose(in_scene(swapped, other), -bias, atol=1e-5)
    for each in (also, other):
        assert each.friction is not None
        assert plain.friction is not None
        assert torch.allclose(each.friction, plain.friction, rtol=1e-4)
    shuffled = torch.randperm(len(problem.gap), generator=torch.Generator().manual_seed(0))
    names = (
        "a",
        "b",
        "frame",
        "arm_a",
        "arm_b",
        "gap",
        "friction",
        "restitution",
        "velocity_bias",
        "position_bias",
        "warm",
    )
    mixed = replace(problem, **{name: getattr(problem, name)[shuffled] for name in names})
    assert torch.allclose(in_scene(mixed, network.corrector(latent, config)(mixed, True)), bias[shuffled], atol=1e-5)


def first_problem(start: Start, config: PhysicsConfig) -> SolveInputs:
    """What the solver gets first in a step."""
    seen: list[SolveInputs] = []

    def spy(inputs: SolveInputs, new: bool) -> Corrections:
        seen.append(inputs)
        return Corrections()

    step(start.state, start.shapes, 1 / 60, config, spy)
    return seen[0]


def in_scene(problem: SolveInputs, corrections: Corrections) -> torch.Tensor:  # (C, 3)
    """The velocity bias of b over a in scene axes."""
    assert corrections.velocity_bias is not None
    return (problem.frame.transpose(1, 2) @ corrections.velocity_bias[..., None])[..., 0].detach()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_it_says_forces_are_equal_and_opposite(seed: int) -> None:
    half = [0.02, 0.03, 0.025]
    start = in_space(
        [box(half), box(half), cylinder(0.02, 0.03)],
        [[0, 0, 0], [0.03, 0.01, 0.049], [-0.02, 0.02, -0.04]],
        [0.2, 0.1, 0.3],
        [box_inertia(0.2, half), box_inertia(0.1, half), box_inertia(0.3, half)],
    )
    rng = np.random.default_rng(seed)
    state = moving(start.state, rng.normal(size=(3, 3)) * 0.5, rng.normal(size=(3, 3)) * 3)
    config = PhysicsConfig(gravity=(0, 0, 0), substeps=1, sleep_after=0)
    after = simulate(state, start.shapes, None, 1 / 30, 10, config, network=wild(seed).native())
    size = np.abs(momentum(state)).max()
    assert np.abs(momentum(after.final) - momentum(state))[:3].max() < 1e-5 * size
    assert after.impulse.sum(2).abs().max() < 1e-6 * after.impulse.abs().max() + 1e-9
    # turning momentum, before anything has moved
    seen: list[SolveInputs] = []
    corrector = wild(seed).corrector(state.latent, config)

    def spy(inputs: SolveInputs, new: bool) -> Corrections:
        changes = corrector(inputs, new)
        seen.append(replace(inputs, **{name: value.detach() for name, value in vars(changes).items()}))
        return changes

    step(state, start.shapes, 1 / 30, config, spy)
    problem = seen[0]
    changed = (solve(problem, config).after - problem.free).double()
    inertia = torch.linalg.inv(problem.inverse_inertia.double())
    linear = changed[:, :3] / problem.inverse_mass.double()[:, None]
    spin = (inertia @ changed[:, 3:, None])[..., 0] + torch.linalg.cross(state.position[0].double(), linear)
    assert changed.abs().max() > 0.1
    assert spin.sum(0).abs().max() < 1e-5 * spin.abs().max()


@pytest.mark.parametrize("substeps", [4, 16])
def test_whatever_it_says_nothing_gains_energy(substeps: int) -> None:
    config = PhysicsConfig(substeps=substeps, sleep_after=0)
    for seed in range(8):
        start = rubble(seed)
        state = simulate(start.state, start.shapes, None, 1 / 60, 40).final  # pushed out of each other by then
        rises = [_rise(state, start, config, network) for network in (None, wild(seed, 5.0).native())]
        assert rises[1] < 0.01 + 1.5 * rises[0], "of the kinetic energy and of all that could fall"


def _rise(state: State, start: Start, config: PhysicsConfig, network: _native.Network | None) -> float:
    """By what share of all energy it rises over anything that it was before."""
    first = lowest = energy(state)
    rise = 0.0
    for _ in range(30):
        state = simulate(state, start.shapes, None, 1 / 30, 2, config, network=network).final
        now = energy(state)
        rise, lowest = max(rise, now - lowest), min(lowest, now)
    return rise / first


def test_whatever_it_says_what_rests_stays() -> None:
    half = [0.02, 0.03, 0.025]
    start = on_the_ground(
        [box(half), box(half)], [[0, 0, 0.025], [0, 0, 0.075]], [0.2, 0.2], [box_inertia(0.2, half)] * 2
    )
    settled = simulate(start.state, start.shapes, None, 1 / 30, 30).final
    for seed in range(5):
        after = simulate(settled, start.shapes, None, 1 / 30, 150, network=wild(seed, 5.0).native()).final
        assert (after.position - settled.position).norm(dim=-1).max() < 1e-4


def test_latents_shift_what_the_solver_does_and_nothing_when_zero() -> None:
    start, network = settled_rubble(8), wild(3, 1.0)
    count, config = start.state.mass.shape[1], TENSOR_LIKE

    def ends(latent: torch.Tensor) -> torch.Tensor:
        state = replace(start.state, latent=latent)
        return simulate(state, start.shapes, None, 1 / 60, 5, config, network=network.native()).position

    none, zero = ends(torch.zeros(1, count, 0)), ends(torch.zeros(1, count, 6))
    assert torch.equal(none, zero)
    assert (ends(torch.ones(1, count, 6)) - zero).abs().max() > 1e-4
    with pytest.raises(ValueError, match="latent"):
        ends(torch.zeros(1, count, 3))


def test_a_size_that_cannot_be_is_refused() -> None:
    for bad in (NetworkConfig(width=20), NetworkConfig(width=0), NetworkConfig(latents=-1)):
        with pytest.raises(UsageError, match="wide"):
            ContactNetwork(bad)
    with pytest.raises(ValueError, match="too few"):
        _native.Network(torch.zeros(10), 32, 6)
