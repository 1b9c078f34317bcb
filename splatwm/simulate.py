"""Rollouts of the analytic model in one compiled call: many environments, many steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from splatwm import _native
from splatwm.config import PhysicsConfig, native_settings
from splatwm.shapes import BodyShape
from splatwm.state import State, check_state

__all__ = ["Actions", "Trajectory", "native_state", "simulate"]

FASTEST = 10.0  # [m/s] of a robot's link: what is faster is a jump in the recording
SPINNING = 80.0  # [rad/s] likewise
MAX_STEP = 0.1  # [s]


@dataclass(frozen=True)
class Actions:
    """Where robot links are after each of T steps."""

    bodies: tuple[int, ...]  # L places in the state, the same in all environments
    position: Tensor  # (B, T, L, 3) [m]
    wxyz: Tensor  # (B, T, L, 4)

    def repeated(self, count: int) -> Actions:
        """One environment's actions, or those of ``count``, for ``count`` environments."""
        return Actions(self.bodies, *(each.expand(count, -1, -1, -1) for each in (self.position, self.wxyz)))


@dataclass(frozen=True)
class Trajectory:
    """T steps of B environments."""

    position: Tensor  # (B, T, O, 3) [m] after each step
    wxyz: Tensor  # (B, T, O, 4)
    impulse: Tensor  # (B, T, O, 3) [N s] that all contacts of a body gave it in that step
    final: State


def simulate(
    state: State,
    shapes: Sequence[BodyShape],
    actions: Actions | None,
    dt: float,  # [s]
    steps: int | None = None,
    config: PhysicsConfig = PhysicsConfig(),  # noqa: B008 (frozen)
    *,
    threads: int = 1,
    network: _native.Network | None = None,  # corrects contacts
) -> Trajectory:
    """Let a batch move for ``steps`` steps, or as long as there are actions.

    Kinematic bodies keep their velocities, those of the actions follow their poses, evenly within each step.

    Raises:
        SceneError: the state is not one that physics can start from.
        UsageError: the actions do not fit the state, are not finite or jump, or dt is out of range.
        ValueError: the latents are not as long as the network's.
    """
    check_state(state)
    if not 0 < dt <= MAX_STEP:
        raise UsageError(f"a step of {dt} s: expected up to {MAX_STEP} s")
    environments, objects = state.mass.shape
    if actions is None:
        if steps is None or steps < 1:
            raise UsageError("without actions, say how many steps")
        actions = Actions((), torch.zeros(environments, steps, 0, 3), torch.zeros(environments, steps, 0, 4))
    steps = actions.position.shape[1] if steps is None else steps
    _check_actions(state, actions, steps, dt)
    moved = State(**{n: v.float() if v.is_floating_point() else v for n, v in vars(state.clone()).items()})
    native = native_state(moved, shapes)
    position, wxyz = torch.zeros(environments, steps, objects, 3), torch.zeros(environments, steps, objects, 4)
    impulse = torch.zeros(environments, steps, objects, 3)
    _native.roll_out(
        native,
        native_settings(config),
        dt,
        torch.tensor(actions.bodies, dtype=torch.int32),
        actions.position[:, :steps].float().contiguous(),
        actions.wxyz[:, :steps].float().contiguous(),
        position,
        wxyz,
        impulse,
        threads,
        network,
    )
    return Trajectory(position, wxyz, impulse, moved)


def native_state(state: State, shapes: Sequence[BodyShape]) -> _native.State:
    """The arrays of a state for the kernels, which write its poses, velocities and rest in place.

    Raises:
        ValueError: an array has the wrong size or type.
    """
    return _native.State(
        [shape.native for shape in shapes],
        state.shape,
        state.mass,
        state.inertia,
        state.center_of_mass,
        state.friction,
        state.restitution,
        state.priority,
        state.kinematic.to(torch.uint8),
        state.position,
        state.wxyz,
        state.linear,
        state.angular,
        state.still,
        state.latent,
    )


def _check_actions(state: State, actions: Actions, steps: int, dt: float) -> None:
    environments, links = state.mass.shape[0], len(actions.bodies)
    if tuple(actions.position.shape) != (environments, actions.position.shape[1], links, 3) or steps < 1:
        raise UsageError(
            f"actions of shape {tuple(actions.position.shape)} for {environments} environments, {links} links"
        )
    if actions.wxyz.shape[:3] != actions.position.shape[:3] or actions.position.shape[1] < steps:
        raise UsageError("actions: positions and orientations differ in number, or are fewer than the steps")
    if not links:
        return
    columns = list(actions.bodies)
    if min(columns) < 0 or max(columns) >= state.mass.shape[1] or not state.kinematic[:, columns].all():
        raise UsageError("actions move bodies that are not kinematic", todo="give robot links to start_from_scene")
    position = torch.cat([state.position[:, None, columns], actions.position[:, :steps]], 1)
    if not (torch.isfinite(position).all() and torch.isfinite(actions.wxyz).all()):
        raise UsageError("actions are not finite", todo="fill or cut the gaps of the recording")
    if not (actions.wxyz[:, :steps].norm(dim=-1) > 0.5).all():
        raise UsageError("an orientation of the actions is no unit quaternion")
    speed = float((position[:, 1:] - position[:, :-1]).norm(dim=-1).max()) / dt
    if speed > FASTEST:
        raise UsageError(
            f"a robot link jumps: {speed:.1f} m/s between two steps of {dt:.4f} s, at most {FASTEST:.0f} m/s",
            todo="check dt and units of the actions, and that they begin where the link starts",
        )
    wxyz = torch.cat([state.wxyz[:, None, columns], actions.wxyz[:, :steps]], 1)
    wxyz = wxyz / wxyz.norm(dim=-1, keepdim=True)
    turn = 2 * (wxyz[:, 1:] * wxyz[:, :-1]).sum(-1).abs().clamp(max=1).acos()
    if float(turn.max()) / dt > SPINNING:
        raise UsageError(
            f"a robot link turns at {float(turn.max()) / dt:.0f} rad/s, at most {SPINNING:.0f} rad/s is possible",
            todo="check the quaternions' order (w, x, y, z) and dt of the actions",
        )
