"""Scenes as states, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.errors import SceneError, UsageError
from splatwm.config import PhysicsConfig
from splatwm.shapes import box, shape_from_pieces, sphere
from splatwm.simulate import Actions, simulate
from splatwm.state import Link, stack, start_from_scene
from tests.scene.factory import make_scene
from tests.splatwm.physics_worlds import rubble

PUSHER = Link("pusher", sphere(0.015), (-0.25, 0.05, 0.025))


def straight(steps: int, first: tuple[float, float, float], last: tuple[float, float, float]) -> Actions:
    share = torch.arange(1, steps + 1)[:, None] / steps
    path = torch.tensor(first) + share * (torch.tensor(last) - torch.tensor(first))
    return Actions((4,), path[None, :, None], torch.tensor([1.0, 0, 0, 0]).expand(1, steps, 1, 4))


def test_a_scene_rests_and_its_box_is_pushed() -> None:
    start = start_from_scene(make_scene(), [PUSHER])
    assert start.names[0] == ("background", "box", "ball", "bowl", "pusher")
    assert start.index("pusher") == 4
    resting = simulate(start.state, start.shapes, None, 1 / 30, 60)
    assert (resting.position[0, -1] - start.state.position[0]).norm(dim=-1).max() < 0.001
    pushed = simulate(start.state, start.shapes, straight(60, PUSHER.position, (-0.1, 0.05, 0.025)), 1 / 30)
    way = (pushed.position[0, -1] - start.state.position[0]).norm(dim=-1)
    assert float(way[1]) == pytest.approx(0.065, abs=0.002), "to where the pusher's front is"
    assert way[2:4].max() < 0.001
    with pytest.raises(UsageError, match="no body"):
        start.index("spoon")


def test_a_scene_without_objects_is_refused() -> None:
    with pytest.raises(SceneError, match="no objects"):
        start_from_scene(replace(make_scene(), objects=()))


def test_two_bodies_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="same name"):
        start_from_scene(make_scene(), [replace(PUSHER, name="bowl")])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("position", np.nan, "not finite"),
        ("wxyz", 0.0, "quaternion"),
        ("mass", -1.0, "mass"),
        ("inertia", -1.0, "inertia"),
        ("friction", -0.1, "friction"),
        ("restitution", 2.0, "restitution"),
    ],
)
def test_states_that_cannot_be_are_refused(field: str, value: float, message: str) -> None:
    start = rubble(0)
    getattr(start.state, field)[0, 1] = value
    with pytest.raises(SceneError, match=message):
        simulate(start.state, start.shapes, None, 1 / 30, 2)


def test_actions_that_jump_or_have_gaps_are_refused() -> None:
    start = start_from_scene(make_scene(), [PUSHER])
    with pytest.raises(UsageError, match="jumps"):
        simulate(start.state, start.shapes, straight(2, (5.0, 0, 0), (5.0, 0, 0)), 1 / 30)
    gap = straight(10, PUSHER.position, (-0.2, 0.05, 0.025))
    gap.position[0, 4] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        simulate(start.state, start.shapes, gap, 1 / 30)
    free = replace(straight(10, PUSHER.position, PUSHER.position), bodies=(1,))
    with pytest.raises(UsageError, match="not kinematic"):
        simulate(start.state, start.shapes, free, 1 / 30)
    with pytest.raises(UsageError, match="a step of"):
        simulate(start.state, start.shapes, None, 1.0, 3)
    with pytest.raises(UsageError, match="how many steps"):
        simulate(start.state, start.shapes, None, 1 / 30)
    with pytest.raises(UsageError, match="settings"):
        simulate(start.state, start.shapes, None, 1 / 30, 3, PhysicsConfig(substeps=0))


def test_broken_pieces_are_refused() -> None:
    flat = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], [[0, 1, 2], [1, 3, 2]], process=False)
    with pytest.raises(SceneError, match="flat"):
        shape_from_pieces([flat], "a plate")
    with pytest.raises(SceneError, match="0 collision pieces"):
        shape_from_pieces([])
    with pytest.raises(SceneError, match="positive"):
        box([0.1, np.nan, 0.1])


def test_a_batch_of_different_scenes_fills_up_with_empty_rows() -> None:
    start = stack([rubble(0, count=2), rubble(1, count=4)])
    assert start.state.mask.sum(1).tolist() == [3, 5]
    moved = simulate(start.state, start.shapes, None, 1 / 30, 10)
    assert torch.equal(moved.final.position[0, 3:], start.state.position[0, 3:])
    with pytest.raises(UsageError, match="batch"):
        stack([])
