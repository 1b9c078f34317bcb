"""The network inside the solver: the same compiled as in torch, blind to frames and names, and no source of energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.config import PhysicsConfig
from splatwm.model import ContactNetwork, NetworkConfig, find_contacts, step
from splatwm.shapes import box, cylinder
from splatwm.simulate import simulate
from splatwm.state import Start, stack
from tests.splatwm.physics_worlds import box_inertia, energy, in_space, momentum, moving, on_the_ground, rubble

TENSOR_LIKE = PhysicsConfig(substeps=2, sleep_after=0, turn=100, tolerance=0, crowd=1)


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
    start, network, best, ends = settled_rubble(4), wild(1).native(), _native.isa(), []
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


def test_what_it_predicts_turns_with_the_scene_and_does_not_depend_on_the_order_of_bodies() -> None:
    network, gravity = wild(2, 1.0), (0.0, 0.0, -9.81)
    start = settled_rubble(6, 12)
    config = replace(TENSOR_LIKE, gravity=gravity)
    plain = step(start.state, start.shapes, 1 / 60, config, network.corrector(torch.zeros(6, 0), config)).state
    # a turn about an odd axis, gravity with it: q = (cos, sin · axis)
    axis, angle = np.array([0.6, -0.48, 0.64]), 1.1
    turn = torch.tensor([np.cos(angle / 2), *(np.sin(angle / 2) * axis)], dtype=torch.float32)
    from splatwm.model.rigid import quaternion_product, rotation_matrix

    matrix = rotation_matrix(turn)

    def turned(x: torch.Tensor) -> torch.Tensor:
        return x @ matrix.T

    state = replace(
        start.state,
        position=turned(start.state.position),
        linear=turned(start.state.linear),
        angular=turned(start.state.angular),
        wxyz=quaternion_product(turn.expand_as(start.state.wxyz), start.state.wxyz),
    )
    tilted = replace(config, gravity=tuple(turned(torch.tensor(gravity)).tolist()))
    contacts = find_contacts(start.state, start.shapes, 1 / 60, config)  # given, for their order is the solver's
    corrector = network.corrector(torch.zeros(6, 0), tilted)
    also = step(state, start.shapes, 1 / 60, tilted, corrector, contacts=contacts).state
    assert (also.position - turned(plain.position))[0, 1:].abs().max() < 2e-5
    assert (also.linear - turned(plain.linear))[0, 1:].abs().max() < 2e-3

    swapped = replace(
        contacts,
        a=contacts.b,
        b=contacts.a,
        on_a=contacts.on_b,
        on_b=contacts.on_a,
        normal=-_normals_in_b(start, contacts),
        round_b=contacts.offset - contacts.round_b,
    )
    corrector = network.corrector(torch.zeros(6, 0), config)
    other = step(start.state, start.shapes, 1 / 60, config, corrector, contacts=swapped).state
    assert (other.position - plain.position)[0, 1:].abs().max() < 2e-5
    assert (other.linear - plain.linear)[0, 1:].abs().max() < 2e-3


def _normals_in_b(start: Start, contacts: object) -> torch.Tensor:
    from splatwm.model.rigid import rotation_matrix

    rotation = rotation_matrix(start.state.wxyz[0])
    return (rotation[contacts.b].transpose(1, 2) @ rotation[contacts.a] @ contacts.normal[..., None])[..., 0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_it_says_momentum_is_kept_between_bodies(seed: int) -> None:
    half = [0.02, 0.03, 0.025]
    start = in_space(
        [box(half), box(half), cylinder(0.02, 0.03)],
        [[0, 0, 0], [0.03, 0.01, 0.03], [-0.02, 0.02, -0.045]],
        [0.2, 0.1, 0.3],
        [box_inertia(0.2, half), box_inertia(0.1, half), box_inertia(0.3, half)],
    )
    rng = np.random.default_rng(seed)
    state = moving(start.state, rng.normal(size=(3, 3)) * 0.5, rng.normal(size=(3, 3)) * 3)
    config = PhysicsConfig(gravity=(0, 0, 0), substeps=1, sleep_after=0)
    after = simulate(state, start.shapes, None, 1 / 30, 10, config, network=wild(seed).native())
    size = np.abs(momentum(state)).max()
    assert np.abs(momentum(after.final) - momentum(state)).max() < 1e-5 * size


@pytest.mark.parametrize("substeps", [1, 2])
def test_whatever_it_says_nothing_gains_energy(substeps: int) -> None:
    config = PhysicsConfig(substeps=substeps, sleep_after=0)
    for seed in range(12):
        start = rubble(seed)
        state = simulate(start.state, start.shapes, None, 1 / 60, 40).final  # pushed out of each other by then
        network = wild(seed, 5.0).native()
        highest = energy(state)
        for _ in range(6):
            state = simulate(state, start.shapes, None, 1 / 30, 10, config, network=network).final
            now = energy(state)
            assert now < highest + 1e-4 + 1e-3 * abs(highest)
            highest = min(highest, now)


def test_whatever_it_says_what_rests_stays() -> None:
    half = [0.02, 0.03, 0.025]
    start = on_the_ground(
        [box(half), box(half)], [[0, 0, 0.025], [0, 0, 0.075]], [0.2, 0.2], [box_inertia(0.2, half)] * 2
    )
    for seed in range(5):
        config = PhysicsConfig(substeps=1, sleep_after=0)
        settled = simulate(start.state, start.shapes, None, 1 / 30, 60, config).final
        after = simulate(settled, start.shapes, None, 1 / 30, 150, config, network=wild(seed, 5.0).native()).final
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
