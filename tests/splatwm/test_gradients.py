"""Gradients of a rollout against those of the reference, which torch finds itself, and against differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.gradients import simulate_with_gradients
from splatwm.model import find_contacts, step
from splatwm.shapes import box, sphere
from splatwm.simulate import Actions, simulate
from splatwm.state import State, stack, start_from_scene  # noqa: F401
from tests.splatwm.physics_worlds import ball_inertia, box_inertia, on_the_ground, rubble

LEAVES = ("position", "wxyz", "linear", "angular")


def loss_of(position: Tensor, wxyz: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    parts = ((position, 1.0), (wxyz, 0.03))
    return sum(((torch.randn(x.shape, generator=generator).to(x) * x * s).sum() for x, s in parts), torch.zeros(()))


@pytest.mark.parametrize("law", ["coulomb", "mujoco"])
@pytest.mark.parametrize("seed", [0, 3])
def test_a_steps_gradients_are_those_that_torch_finds_through_the_reference(
    seed: int, law: Literal["coulomb", "mujoco"]
) -> None:
    config = PhysicsConfig(law=law, sleep_after=0, tolerance=0, sweeps=4, turn=100, substeps=3, slip_friction=0.2)
    start = rubble(seed)
    state = simulate(start.state, start.shapes, None, 1 / 60, 25).final
    state = replace(state, still=torch.zeros_like(state.still))
    dt, found = 1 / 60, {}
    for name in ("compiled", "reference"):
        leaves = {leaf: getattr(state, leaf).clone().requires_grad_() for leaf in LEAVES}
        here = replace(state, **leaves)
        if name == "compiled":
            after = simulate_with_gradients(here, start.shapes, None, dt, 1, config)
            position, wxyz = after.position[:, 0], after.wxyz[:, 0]
        else:
            contacts = find_contacts(here, start.shapes, dt, config)
            assert len(contacts) > 8
            after = step(here, start.shapes, dt, config, contacts=contacts, backend="torch").state
            position, wxyz = after.position, after.wxyz
        loss_of(position, wxyz).backward()
        found[name] = {leaf: value.grad for leaf, value in leaves.items()}
    for leaf in LEAVES:
        got, expected = found["compiled"][leaf], found["reference"][leaf]
        assert got is not None
        assert expected is not None
        assert expected.abs().max() > 0
        if leaf == "wxyz":  # what does not turn has no meaning
            along = state.wxyz / state.wxyz.norm(dim=-1, keepdim=True)
            got, expected = (g - (g * along).sum(-1, keepdim=True) * along for g in (got, expected))
        assert (got - expected).abs().max() < 2e-3 * expected.abs().max(), leaf
