"""Physics that has an answer: momentum, energy, slopes, rolling, spinning, stacks, rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scan2sim.geometry import matrix_from_quaternion
from splatwm.config import PhysicsConfig
from splatwm.shapes import box, cylinder, shape_from_pieces, sphere
from splatwm.simulate import Actions, simulate
from splatwm.state import stack
from tests.splatwm.physics_worlds import (
    ball_inertia,
    box_inertia,
    energy,
    in_space,
    momentum,
    moving,
    on_the_ground,
    round_tray,
    rubble,
)

GRAVITY = 9.81
STEPS = [(1 / 30, 4), (1 / 60, 2), (1 / 120, 1), (1 / 240, 1)]


@pytest.mark.parametrize("dt", [1 / 30, 1 / 120])
def test_what_collides_in_space_keeps_its_momentum(dt: float) -> None:
    half, mass = (0.03, 0.02, 0.025), (0.2, 0.35, 0.1)
    start = in_space(
        [box(half), box(half), sphere(0.02)],
        [[-0.06, 0, 0], [0.0, 0.01, 0.005], [0.06, -0.01, 0]],
        mass,
        [box_inertia(m, half) for m in mass],
        friction=0.6,
    )
    state = moving(start.state, [[1.0, 0, 0], [0, 0.1, 0], [-0.8, 0.2, 0]], [[3, -2, 1], [0, 5, 0], [1, 0, 0]])
    config = PhysicsConfig(gravity=(0, 0, 0), sleep_after=0)
    moved = simulate(state, start.shapes, None, dt, round(0.5 / dt), config)
    assert moved.impulse.abs().max() > 0.05, "they never met"
    before, after = momentum(state), momentum(moved.final)
    scale = (state.mass * state.linear.norm(dim=-1)).sum()
    assert np.abs(after - before)[:3].max() < 1e-5 * scale
    assert np.abs(after - before)[3:].max() < 1e-5 * 0.06 * scale, "contact points are where both bodies are"
    assert moved.impulse[0].sum(1).abs().max() < 1e-6


@pytest.mark.parametrize(("dt", "substeps"), STEPS)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_gains_energy(dt: float, substeps: int, seed: int) -> None:
    start = rubble(seed)
    config = PhysicsConfig(substeps=substeps, sleep_after=0)
    state, most = start.state, energy(start.state)
    allowed = 0.02 * most
    for _ in range(10):
        state = simulate(state, start.shapes, None, dt, round(0.1 / dt), config).final
        now = energy(state)
        assert now < most + allowed
        most = min(most, now)


@pytest.mark.parametrize(("friction", "slides"), [(0.2, True), (0.5, False)])
@pytest.mark.parametrize(("dt", "substeps"), STEPS)
def test_a_box_on_a_slope_slides_or_holds(friction: float, slides: bool, dt: float, substeps: int) -> None:
    angle, half, mass = np.radians(20), (0.04, 0.04, 0.02), 0.3
    start = on_the_ground([box(half)], [[0, 0, half[2] - 0.0001]], [mass], [box_inertia(mass, half)], friction=friction)
    state = replace(start.state, priority=torch.tensor([[0, 1]], dtype=torch.int32))
    tilted = (GRAVITY * np.sin(angle), 0.0, -GRAVITY * np.cos(angle))
    config = PhysicsConfig(gravity=tilted, substeps=substeps, friction_softness=0.0)
    moved = simulate(state, start.shapes, None, dt, round(0.5 / dt), config)
    way = float(moved.position[0, -1, 1, 0])
    if slides:
        acceleration = GRAVITY * (np.sin(angle) - friction * np.cos(angle))
        assert way == pytest.approx(acceleration * 0.5**2 / 2, rel=0.02)
    else:
        assert abs(way) < 1e-4


def test_a_ball_rolls_down_a_slope_as_fast_as_it_should() -> None:
    angle, radius, mass = np.radians(10), 0.03, 0.2
    start = on_the_ground([sphere(radius)], [[0, 0, radius]], [mass], [ball_inertia(mass, radius)], friction=0.8)
    tilted = (GRAVITY * np.sin(angle), 0.0, -GRAVITY * np.cos(angle))
    config = PhysicsConfig(gravity=tilted, friction_softness=0.0, rolling=0.0005)
    moved = simulate(start.state, start.shapes, None, 1 / 60, 60, config)
    resistance = 0.0005 / radius * np.cos(angle)
    expected = GRAVITY * (np.sin(angle) - resistance) / 1.4
    assert float(moved.position[0, -1, 1, 0]) == pytest.approx(expected / 2, rel=0.02)
    spin = float(moved.final.angular[0, 1, 1])
    assert spin * radius == pytest.approx(float(moved.final.linear[0, 1, 0]), rel=0.01)


def test_what_spins_freely_keeps_its_angular_momentum_and_energy() -> None:
    half, mass = (0.05, 0.03, 0.01), 0.2
    start = in_space([box(half)], [[0, 0, 0]], [mass], [box_inertia(mass, half)])
    state = moving(start.state, angular=[[0.1, 12.0, 0.1]])  # about the axis that is not stable
    config = PhysicsConfig(gravity=(0, 0, 0))
    moved = simulate(state, start.shapes, None, 1 / 120, 240, config)
    assert moved.wxyz[0, :, 0, 2].abs().max() > 0.5
    before, after = momentum(state), momentum(moved.final)
    assert np.abs(after - before).max() < 1e-3 * np.abs(before).max()
    assert energy(moved.final, 0) == pytest.approx(energy(state, 0), rel=0.02)


@pytest.mark.parametrize("dt", [1 / 30, 1 / 60, 1 / 120])
def test_a_stack_of_five_boxes_stands(dt: float) -> None:
    half, mass = (0.03, 0.03, 0.02), 0.2
    heights = [half[2] * (2 * i + 1) for i in range(5)]
    start = on_the_ground(
        [box(half)] * 5, [[0, 0, z] for z in heights], [mass] * 5, [box_inertia(mass, half)] * 5, friction=0.5
    )
    moved = simulate(start.state, start.shapes, None, dt, round(3 / dt))
    drift = (moved.position[0, -1, 1:] - start.state.position[0, 1:]).numpy()
    assert np.abs(drift[:, :2]).max() < 1e-4, "while it settles"
    assert drift[:, 2].min() > -0.0016, "each contact gives way by a third of a millimetre"
    awake = simulate(start.state, start.shapes, None, dt, round(1 / dt), PhysicsConfig(sleep_after=0))
    load = awake.impulse[0, -round(0.2 / dt) :, 0, 2].mean() / dt
    assert -load == pytest.approx(5 * mass * GRAVITY, rel=0.02)


def test_five_resting_things_do_not_creep() -> None:
    shapes = [
        box((0.03, 0.02, 0.025)),
        cylinder(0.03, 0.02),
        box((0.02, 0.02, 0.01)),
        cylinder(0.015, 0.05),
        box((0.05, 0.04, 0.01)),
    ]
    heights, mass = (0.025, 0.02, 0.06, 0.05, 0.01), (0.2, 0.1, 0.05, 0.3, 0.15)
    places = [[0.0, 0.0], [0.1, 0.0], [0.0, 0.0], [0.0, 0.1], [-0.12, 0.0]]
    position = [[*place, z] for place, z in zip(places, heights, strict=True)]
    start = on_the_ground(shapes, position, mass, [box_inertia(m, (0.03, 0.03, 0.03)) for m in mass])
    for after in (0.2, 0.0):
        config = PhysicsConfig(sleep_after=after)
        settled = simulate(start.state, start.shapes, None, 1 / 30, 30, config).final
        later = simulate(settled, start.shapes, None, 1 / 30, 300, config)
        assert (later.position[0, -1] - settled.position[0]).norm(dim=-1).max() < 1e-4, f"sleep {after}"


@pytest.mark.parametrize("flare", [0.0, 0.15])
def test_trays_in_each_other_and_what_they_hold_come_to_rest(flare: float) -> None:
    trays = shape_from_pieces(round_tray(0.09, 0.05, 0.004, flare))
    shapes = [trays, trays, trays, box((0.015, 0.015, 0.015)), cylinder(0.012, 0.02)]
    apart, mass = (0.014 if flare else 0.0501), (0.15, 0.15, 0.15, 0.1, 0.08)
    position = [[0, 0, 0.0001 + i * apart] for i in range(3)]
    position += [[0.02, 0, 3 * apart + 0.02], [-0.03, 0.01, 3 * apart + 0.025]]
    inertia = [box_inertia(0.15, (0.09, 0.09, 0.025))] * 3 + [box_inertia(0.1, (0.015,) * 3)] * 2
    start = on_the_ground(shapes, position, mass, inertia, friction=0.4)
    settled = simulate(start.state, start.shapes, None, 1 / 30, 120).final
    later = simulate(settled, start.shapes, None, 1 / 30, 300)
    assert (later.position[0, -1] - settled.position[0]).norm(dim=-1).max() < 1e-4
    heights = settled.position[0, 1:4, 2].diff()
    assert (heights > 0.003).all(), "none has sunk into the other"


@pytest.mark.parametrize("dt", [1 / 30, 1 / 120])
def test_things_sink_in_no_deeper_than_they_do_in_mujoco(dt: float) -> None:
    half, mass = (0.03, 0.03, 0.03), 0.2
    start = on_the_ground([box(half)], [[0, 0, 0.15]], [mass], [box_inertia(mass, half)])
    moved = simulate(start.state, start.shapes, None, dt, round(1 / dt))
    assert 0.03 - float(moved.position[0, -1, 1, 2]) < 0.00024 + 0.0001, "MuJoCo's own is 0.24 mm"


def test_a_sleeping_thing_wakes_when_it_is_pushed() -> None:
    half, mass = (0.03, 0.03, 0.03), 0.2
    start = on_the_ground(
        [box(half), sphere(0.01)], [[0, 0, 0.0298], [-0.1, 0, 0.03]], [mass, 1.0], [box_inertia(mass, half), np.eye(3)]
    )
    state = replace(start.state, kinematic=torch.tensor([[True, False, True]]))
    asleep = simulate(state, start.shapes, None, 1 / 60, 120).final
    assert asleep.still[0, 1] >= PhysicsConfig().sleep_after
    times = torch.arange(1, 61)[:, None] / 60
    path = torch.tensor([[-0.1, 0, 0.03]]) + times * torch.tensor([[0.12, 0, 0]])
    turned = torch.tensor([1.0, 0, 0, 0]).expand(1, 60, 1, 4)
    pushed = simulate(asleep, start.shapes, Actions((2,), path[None, :, None], turned), 1 / 60)
    way = float(path[-1, 0]) + 0.01 + 0.03
    assert float(pushed.position[0, -1, 1, 0]) == pytest.approx(way, abs=0.0005)
    assert float(pushed.impulse[0, :, 2, 0].sum()) < 0, "the pusher feels it"


def test_ten_thousand_random_steps_stay_above_the_ground() -> None:
    start = stack([rubble(seed) for seed in range(10, 30)])
    moved = simulate(start.state, start.shapes, None, 1 / 30, 500)
    assert torch.isfinite(moved.position).all()
    assert moved.position[:, :, 1:, 2].min() > 0.0, "centres stay above the plane"
    assert moved.final.linear.norm(dim=-1).max() < 1.0


def test_a_batch_is_what_each_one_is_alone_and_every_time_the_same() -> None:
    starts = [rubble(1), rubble(2, count=3), rubble(3)]
    batch = stack(starts)
    together = simulate(batch.state, batch.shapes, None, 1 / 30, 45, threads=2)
    again = simulate(batch.state, batch.shapes, None, 1 / 30, 45)
    assert torch.equal(together.position, again.position)
    for i, start in enumerate(starts):
        alone = simulate(start.state, start.shapes, None, 1 / 30, 45)
        assert torch.equal(alone.position[0], together.position[i, :, : alone.position.shape[2]])


def test_restitution_throws_a_ball_back() -> None:
    radius, mass = 0.02, 0.1
    start = on_the_ground([sphere(radius)], [[0, 0, 0.22]], [mass], [ball_inertia(mass, radius)])
    state = replace(start.state, restitution=torch.full((1, 2), 0.8))
    moved = simulate(state, start.shapes, None, 1 / 240, 110)
    fallen = float(moved.position[0, :, 1, 2].argmin())
    top = float(moved.position[0, int(fallen) :, 1, 2].max()) - radius
    assert top == pytest.approx(0.64 * 0.2, rel=0.06)


def test_frames_beside_the_centre_of_mass_turn_about_it() -> None:
    half, mass, offset = (0.03, 0.03, 0.03), 0.2, np.array([0.02, 0, 0])
    start = in_space([box(half)], [[0, 0, 0]], [mass], [box_inertia(mass, half)])
    state = replace(
        moving(start.state, angular=[[0, 0, 6.0]]), center_of_mass=torch.tensor(offset, dtype=torch.float32)[None, None]
    )
    moved = simulate(state, start.shapes, None, 1 / 60, 30, PhysicsConfig(gravity=(0, 0, 0)))
    turned = matrix_from_quaternion(moved.wxyz[0, :, 0].numpy())
    centers = moved.position[0, :, 0].numpy() + turned @ offset
    assert np.abs(centers - offset).max() < 1e-6
    assert np.abs(moved.position[0, :, 0].numpy()).max() > 0.02
