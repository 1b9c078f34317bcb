"""The contact solver as one function with two backends: compiled, with gradients, and torch, the reference.

Bodies and contacts of a whole batch stand in one row after another; environments do not touch each other, so that what
happens in one is the same alone and in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.model.problem import SolveInputs
from splatwm.model.torch_solver import solve_in_torch

__all__ = ["Backend", "Solved", "solve"]

Backend = Literal["native", "torch"]


@dataclass(frozen=True)
class Solved:
    """What contacts do in a step."""

    impulse: Tensor  # (C, 6) on body b: along the normal and tangents [N s], about them [N m s]
    after: Tensor  # (N, 6) velocities at the end
    mean: Tensor  # (N, 6) velocities that move the bodies through the step


def solve(inputs: SolveInputs, config: PhysicsConfig, backend: Backend = "native") -> Solved:
    """Impulses of all contacts, and the velocities that they lead to.

    The native backend has gradients by ``before``, ``free``, ``gap``, ``friction``, both biases and ``warm``; the torch
    one by everything, slowly.

    Raises:
        UsageError: the backend is not known, or a tensor is on another device than the CPU.
        ValueError: sizes do not fit.
    """
    if backend not in ("native", "torch"):
        raise UsageError(f"the solver has no backend “{backend}”", todo="native or torch")
    if backend == "torch":
        return Solved(*solve_in_torch(inputs, config))
    if inputs.before.device.type != "cpu":
        raise UsageError("the native solver works on the CPU", todo="move the tensors there")
    impulse, after, mean = _NativeSolve.apply(inputs, native_settings(config), *_differentiable(inputs))
    return Solved(impulse, after, mean)


def _differentiable(inputs: SolveInputs) -> tuple[Tensor, ...]:
    i = inputs
    return i.before, i.free, i.gap, i.friction, i.velocity_bias, i.position_bias, i.warm


class _NativeSolve(torch.autograd.Function):
    """The compiled solve and its adjoint."""

    @staticmethod
    def forward(ctx: Any, inputs: SolveInputs, settings: _native.Settings, *_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        reals, a, b = _reals(inputs), inputs.a.to(torch.int32).contiguous(), inputs.b.to(torch.int32).contiguous()
        impulse, after, mean = (torch.empty_like(reals[i]) for i in (12, 0, 0))
        run = _native.solve_double if reals[0].dtype == torch.float64 else _native.solve
        run(reals, a, b, inputs.step, settings, impulse, after, mean)
        ctx.problem = reals, a, b, inputs.step, settings
        return impulse, after, mean

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        reals, a, b, step, settings = ctx.problem
        given = [gradient.contiguous() for gradient in gradients]
        found = [torch.zeros_like(reals[i]) for i in (0, 1, 7, 8, 10, 11, 12)]
        run = _native.solve_adjoint_double if reals[0].dtype == torch.float64 else _native.solve_adjoint
        run(reals, a, b, step, settings, given, found)
        return (None, None, *found)


def _reals(inputs: SolveInputs) -> list[Tensor]:
    """The arrays of reals in the order of native/kernel_table.h."""
    i = inputs
    arrays = [i.before, i.free, i.inverse_mass, i.inverse_inertia, i.frame, i.arm_a, i.arm_b, i.gap, i.friction]
    arrays += [i.restitution, i.velocity_bias, i.position_bias, i.warm]
    kind = i.before.dtype
    return [array.detach().to(kind).contiguous() for array in arrays]
