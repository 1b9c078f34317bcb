"""Gradients of a rollout: against those that torch finds through the reference, and against differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.gradients import simulate_with_gradients
from splatwm.model import find_contacts, step
from splatwm.shapes import box, ground, sphere
from splatwm.simulate import Actions, simulate
from splatwm.state import State, state_of_bodies
from tests.splatwm.physics_worlds import box_inertia, rubble

LEAVES = ("position", "wxyz", "linear", "angular")
STEPS, DT = 15, 1 / 30
SHAPES = (ground(), box((0.03, 0.05, 0.02)), sphere(0.015))


def loss_of(position: Tensor, wxyz: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    parts = ((position, 1.0), (wxyz, 0.03))
    return sum(((torch.randn(x.shape, generator=generator).to(x) * x * s).sum() for x, s in parts), torch.zeros(()))


@pytest.mark.parametrize(("seed", "law", "slip"), [(1, "coulomb", 0.0), (2, "mujoco", 0.0), (3, "coulomb", 0.5)])
def test_a_steps_gradients_are_those_that_torch_finds_through_the_reference(
    seed: int, law: Literal["coulomb", "mujoco"], slip: float
) -> None:
    config = PhysicsConfig(
        law=law, sleep_after=0, tolerance=0, sweeps=3, turn=100, substeps=3, slip_friction=slip, impact_friction=slip
    )
    start = rubble(seed)
    state = simulate(start.state, start.shapes, None, 1 / 60, 25).final
    found: dict[str, dict[str, Tensor | None]] = {}
    ends = {}
    for name in ("compiled", "reference"):
        leaves = {leaf: getattr(state, leaf).clone().requires_grad_() for leaf in LEAVES}
        here = replace(state, **leaves)
        if name == "compiled":
            after = simulate_with_gradients(here, start.shapes, None, 1 / 60, 1, config)
            ends[name] = after.position[:, 0], after.wxyz[:, 0]
        else:
            contacts = find_contacts(here, start.shapes, 1 / 60, config)
            assert len(contacts) > 8
            stepped = step(here, start.shapes, 1 / 60, config, contacts=contacts, backend="torch").state
            ends[name] = stepped.position, stepped.wxyz
        loss_of(*ends[name]).backward()
        found[name] = {leaf: value.grad for leaf, value in leaves.items()}
    assert (ends["compiled"][0] - ends["reference"][0]).abs().max() < 1e-6
    for leaf in LEAVES:
        got, expected = found["compiled"][leaf], found["reference"][leaf]
        assert got is not None
        assert expected is not None
        if leaf == "wxyz":  # what only scales a quaternion turns nothing
            along = state.wxyz / state.wxyz.norm(dim=-1, keepdim=True)
            got, expected = (g - (g * along).sum(-1, keepdim=True) * along for g in (got, expected))
        assert expected.abs().max() > 0
        assert (got - expected).abs().max() < 1e-4 * expected.abs().max(), leaf


def ball_beside_a_box() -> tuple[State, Actions]:
    """A ball that will push a box, not through its middle."""
    at = [0.0, 0.0, 0.0], [0.0, 0.0, 0.02], [-0.047, 0.012, 0.015]
    inertia = np.stack([np.eye(3), box_inertia(0.2, (0.03, 0.05, 0.02)), np.eye(3)])
    state = state_of_bodies(
        range(3), np.array(at), [1.0, 0.2, 1.0], inertia, friction=[0.5, 0.4, 0.3], kinematic=[True, False, True]
    )
    share = torch.linspace(1 / STEPS, 1, STEPS)[:, None]
    path = torch.tensor(at[2]) + share * torch.tensor([0.06, 0.0, 0.0])
    straight = torch.tensor([1.0, 0, 0, 0]).expand(1, STEPS, 1, 4)
    return replace(state, priority=torch.tensor([[0, 1, 2]], dtype=torch.int32)), Actions(
        (2,), path[None, :, None].contiguous(), straight
    )


def changed(what: str, by: Tensor | float) -> tuple[State, Actions]:
    """The same with one number more."""
    state, actions = ball_beside_a_box()
    if what == "the box's friction":
        return replace(state, friction=state.friction + torch.tensor([[0.0, 1, 0]]) * by), actions
    if what == "the ball's friction":
        return replace(state, friction=state.friction + torch.tensor([[0.0, 0, 1]]) * by), actions
    if what == "where the box is":
        return replace(
            state, position=state.position + torch.tensor([[[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]]) * by
        ), actions
    if what == "how fast the box is":
        return replace(state, linear=state.linear + torch.tensor([[[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]]) * by), actions
    share = torch.linspace(1 / STEPS, 1, STEPS)[None, :, None, None]
    return state, replace(actions, position=actions.position + share * torch.tensor([0.0, 1, 0]) * by)


@pytest.mark.parametrize(
    ("what", "size"),
    [
        ("the box's friction", 0.01),
        ("the ball's friction", 0.01),
        ("where the box is", 1e-3),
        ("how fast the box is", 0.01),
        ("where the ball goes", 1e-3),
    ],
)
def test_gradients_of_a_push_are_finite_differences(what: str, size: float) -> None:
    config = PhysicsConfig(tolerance=1e-4, sweeps=100)
    seen: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
        lambda position, _: position[0, -1, 1, 0],
        lambda position, _: position[0, -1, 1, 1],
        lambda _, wxyz: wxyz[0, -1, 1, 3],
    )
    ends = []
    for sign in (1, -1):
        state, actions = changed(what, sign * size)
        after = simulate(state, SHAPES, actions, DT, None, config)
        ends.append([float(one(after.position, after.wxyz)) for one in seen])
    differences = (np.array(ends[0]) - np.array(ends[1])) / (2 * size)
    by = torch.zeros((), requires_grad=True)
    state, actions = changed(what, by)
    after = simulate_with_gradients(state, SHAPES, actions, DT, None, config)
    gradients = [float(torch.autograd.grad(one(after.position, after.wxyz), by, retain_graph=True)[0]) for one in seen]
    assert np.abs(differences).max() > 1e-3
    np.testing.assert_allclose(gradients, differences, rtol=0.02, atol=0.003 * np.abs(differences).max())


def test_what_is_asleep_has_no_velocity_to_depend_on() -> None:
    state, _ = ball_beside_a_box()
    linear = state.linear.clone().requires_grad_()
    position = state.position.clone().requires_grad_()
    here = replace(state, linear=linear, position=position, still=torch.full_like(state.still, 1.0))
    after = simulate_with_gradients(here, SHAPES, None, DT, 3)
    assert torch.equal(after.position[0, -1, 1], state.position[0, 1])
    after.position[0, -1, 1].sum().backward()
    assert linear.grad is not None
    assert position.grad is not None
    assert (linear.grad == 0).all()
    assert torch.allclose(position.grad[0, 1], torch.ones(3))


def test_batches_have_the_gradients_of_their_members() -> None:
    state, actions = ball_beside_a_box()
    names = ("friction", "position")
    many = State(**{name: torch.cat([value, value]) for name, value in vars(state).items()})
    twice = Actions(actions.bodies, actions.position.repeat(2, 1, 1, 1), actions.wxyz.repeat(2, 1, 1, 1))
    found = []
    for start, moves, threads in ((state, actions, 1), (many, twice, 2)):
        leaves = {name: getattr(start, name).clone().requires_grad_() for name in names}
        after = simulate_with_gradients(replace(start, **leaves), SHAPES, moves, DT, 10, threads=threads)
        (after.position[0, -1, 1] * torch.tensor([1.0, 2, 3])).sum().backward()
        found.append([leaf.grad for leaf in leaves.values()])
    for one, both in zip(*found, strict=True):
        assert one is not None
        assert both is not None
        assert torch.equal(one[0], both[0])
        assert (both[1] == 0).all()
