"""What is fast does not go through things, and what is slow moves what it touches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from splatwm.config import PhysicsConfig
from splatwm.shapes import box, cylinder
from splatwm.simulate import Actions, simulate
from splatwm.state import Start, state_of_bodies
from tests.splatwm.physics_worlds import box_inertia, moving, on_the_ground

DT = 1 / 30
HALF = 0.02


def cube(height: float) -> Start:
    return on_the_ground([box([HALF] * 3)], [[0, 0, height]], [0.1], [box_inertia(0.1, [HALF] * 3)])


@pytest.mark.parametrize("speed", [1.0, 2.0, 3.0, 4.0, 6.0])
def test_an_impact_ends_at_the_surface_and_throws_nothing_up(speed: float) -> None:
    start = cube(HALF + 0.3 * speed * DT)
    state = moving(start.state, [[0, 0, 0], [0, 0, -speed]])
    height = simulate(state, start.shapes, None, DT, 30).position[0, :, 1, 2].numpy()
    assert height.min() > HALF - 0.002 - 0.0004 * speed
    assert height.max() < HALF + 0.02
    assert height[-1] == pytest.approx(HALF, abs=0.001)


def test_what_falls_from_high_lies_on_a_thin_table() -> None:
    shapes = (box([0.2, 0.2, 0.005]), box([HALF] * 3))
    state = state_of_bodies(
        range(2),
        [[0, 0, 0], [0, 0, 1.0]],
        [1.0, 0.1],
        [np.eye(3), box_inertia(0.1, [HALF] * 3)],
        kinematic=[True, False],
    )
    height = simulate(state, shapes, None, DT, 60).position[0, :, 1, 2].numpy()
    assert height[-1] == pytest.approx(HALF + 0.005, abs=0.001)


def pushed(speed: float, steps: int, height: float = HALF) -> float:
    """How far a cube that sleeps goes when a rod comes along [m]."""
    shapes = (box([1, 1, 0.05]), box([HALF] * 3), cylinder(0.01, 0.03))
    inertia = [np.eye(3), box_inertia(0.1, [HALF] * 3), np.eye(3)]
    places = [[0, 0, -0.05], [0, 0, height], [-HALF - 0.0105, 0, 0.031]]
    state = state_of_bodies(range(3), places, [1, 0.1, 1], inertia, kinematic=[True, False, True])
    asleep = simulate(state, shapes, None, DT, 30).final
    assert asleep.still[0, 1] >= PhysicsConfig().sleep_after
    way = torch.tensor(places[2]) + torch.arange(1, steps + 1)[:, None] * torch.tensor([speed * DT, 0, 0])
    turned = torch.tensor([1.0, 0, 0, 0]).expand(1, steps, 1, 4)
    after = simulate(asleep, shapes, Actions((2,), way[None, :, None].float(), turned), DT)
    return float(after.position[0, -1, 1, 0])


@pytest.mark.parametrize("speed", [0.001, 0.0025, 0.01])
def test_a_sleeping_thing_goes_with_a_slow_rod(speed: float) -> None:
    way = 0.01
    assert pushed(speed, round(way / speed / DT)) == pytest.approx(way - 0.0005, abs=0.0007)


def test_a_thing_sinks_with_a_table_that_goes_down_slowly() -> None:
    shapes = (box([0.1, 0.1, 0.02]), box([HALF] * 3))
    inertia = [np.eye(3), box_inertia(0.1, [HALF] * 3)]
    state = state_of_bodies(range(2), [[0, 0, -0.02], [0, 0, HALF]], [1, 0.1], inertia, kinematic=[True, False])
    asleep = simulate(state, shapes, None, DT, 30).final
    steps, speed = 240, 0.0025
    way = torch.tensor([0, 0, -0.02]) - torch.arange(1, steps + 1)[:, None] * torch.tensor([0, 0, speed * DT])
    turned = torch.tensor([1.0, 0, 0, 0]).expand(1, steps, 1, 4)
    after = simulate(asleep, shapes, Actions((0,), way[None, :, None].float(), turned), DT)
    assert float(after.position[0, -1, 1, 2]) == pytest.approx(HALF - steps * speed * DT, abs=0.001)


def test_states_of_other_kinds_of_numbers_move_too() -> None:
    start = cube(0.1)
    double = start.state.clone()
    object.__setattr__(double, "position", double.position.double())
    after = simulate(double, start.shapes, None, DT, 10)
    assert after.final.position[0, 1, 2] == pytest.approx(float(after.position[0, -1, 1, 2]))
    assert float(after.final.position[0, 1, 2]) < 0.1
