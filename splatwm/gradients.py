"""Gradients through a rollout: by where it starts, by frictions, and by where robot links go, in compiled calls.

Backwards the rollout is made once more, remembering each substep, and then gone through from its end: what contacts do
by the adjoint of their solver (``native/adjoint.inl``), how bodies and contacts move by ``native/backward.inl``.  These
are the gradients of what is computed, impacts and all; which contacts there are, masses, and the mobilities with which
the solver steps are constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.shapes import BodyShape
from splatwm.simulate import Actions, Trajectory, native_state, simulate
from splatwm.state import State

__all__ = ["simulate_with_gradients"]


def simulate_with_gradients(
    state: State,
    shapes: Sequence[BodyShape],
    actions: Actions | None,
    dt: float,  # [s]
    steps: int | None = None,
    config: PhysicsConfig = PhysicsConfig(),  # noqa: B008 (frozen)
    *,
    threads: int = 1,
) -> Trajectory:
    """What ``simulate`` does; position and orientation after each step have gradients by the state's position, wxyz,
    linear, angular and friction and by the actions' position.

    Raises:
        SceneError, UsageError: as ``simulate`` does.
    """
    given = _detached(state), None if actions is None else replace(actions, position=actions.position.detach())
    call = _Call(*given, shapes, dt, steps, config, threads)
    places = torch.zeros(0) if actions is None else actions.position
    leaves = state.position, state.wxyz, state.linear, state.angular, state.friction, places
    position, wxyz = _Rollout.apply(call, *leaves)
    assert call.result is not None
    return replace(call.result, position=position, wxyz=wxyz)


@dataclass
class _Call:
    """Everything but the tensors that have gradients, and what came of it."""

    state: State
    actions: Actions | None
    shapes: Sequence[BodyShape]
    dt: float
    steps: int | None
    config: PhysicsConfig
    threads: int
    result: Trajectory | None = None


class _Rollout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *leaves: Tensor) -> tuple[Tensor, Tensor]:
        ctx.call = call
        ctx.leaves = [(leaf.shape, leaf.dtype) for leaf in leaves]
        moved = simulate(call.state, call.shapes, call.actions, call.dt, call.steps, call.config, threads=call.threads)
        call.result = moved
        return moved.position, moved.wxyz

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        call: _Call = ctx.call
        by_position, by_wxyz = (gradient.float().contiguous() for gradient in gradients)
        environments, steps, bodies, _ = by_position.shape
        actions = call.actions or Actions(
            (), torch.zeros(environments, steps, 0, 3), torch.zeros(environments, steps, 0, 4)
        )
        links = actions.position[:, :steps].float().contiguous()
        found = [torch.zeros(environments, bodies, size) for size in (3, 4, 3, 3, 1)]
        found.append(torch.zeros_like(links))
        _native.roll_out_gradient(
            native_state(_detached(call.state), call.shapes),
            native_settings(call.config),
            call.dt,
            torch.tensor(actions.bodies, dtype=torch.int32),
            links,
            actions.wxyz[:, :steps].float().contiguous(),
            torch.zeros_like(by_position),
            torch.zeros_like(by_wxyz),
            torch.zeros_like(by_position),
            call.threads,
            [by_position, by_wxyz],
            found,
        )
        found[4] = found[4][..., 0]
        found[5] = torch.nn.functional.pad(found[5], (0, 0, 0, 0, 0, actions.position.shape[1] - steps))
        leaves = zip(found, ctx.leaves, strict=True)
        return (None, *(value.reshape(shape).to(kind) if value.numel() else None for value, (shape, kind) in leaves))


def _detached(state: State) -> State:
    """A copy in single precision that the kernels may write to."""
    return State(
        **{
            name: value.detach().float() if value.is_floating_point() else value
            for name, value in vars(state.clone()).items()
        }
    )
