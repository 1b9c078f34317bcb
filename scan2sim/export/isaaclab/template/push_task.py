"""Push: a round pusher moves one object to a place, or to a place and a heading; pure functions on batched states.

The same numbers as the task that this scene has in MuJoCo: observation, action, reward, success and starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .rotations import matrix_of, unit_of

__all__ = ["PushState", "PushTask", "Start"]

CANDIDATES = 256  # places that a start is chosen from
OFF_TABLE = 0.05  # [m] below its place in the scene
TURNS_AT = 0.6  # of the radius: lever at which the friction below a disc holds against being turned
MARK_HEIGHT = 0.002  # [m] of the goal's disc over the lower end of the pusher
MOST_OFFSET = 0.8  # of the radius: farther out a push slides off


class PushState(NamedTuple):
    """The pusher, the target and its goal."""

    tool: Tensor  # (N, 2) [m]
    tool_velocity: Tensor  # (N, 2) [m/s]
    position: Tensor  # (N, 3) [m] of the target in its environment
    wxyz: Tensor  # (N, 4)
    velocity: Tensor  # (N, 3) [m/s]
    spin: Tensor  # (N, 3) [rad/s]
    goal: Tensor  # (N, 3) x, y [m] and heading [rad]


class Start(NamedTuple):
    """Where episodes start."""

    tool: Tensor  # (N, 2) [m]
    shift: Tensor  # (N, 2) [m] of the target from its place in the scene
    yaw: Tensor  # (N,) [rad] of the target about the vertical through its origin
    goal: Tensor  # (N, 3)


@dataclass(frozen=True)
class PushTask:
    """A round pusher on two axes moves one object to a goal on the table.

    The action, in [-1, 1]², is the pusher's velocity as a part of ``speed``.  The reward is the fall of the potential
    ``10 (d_goal + 0.1 d_behind)``, and 1 on success.  With ``heading``, ``d_goal`` gains the way of the target's rim
    about its origin.
    """

    target: str
    home: tuple[float, float, float]
    home_wxyz: tuple[float, float, float, float]
    axis: tuple[float, float]
    radius: float
    low: tuple[float, float]
    high: tuple[float, float]
    obstacles: tuple[tuple[float, float, float], ...]
    pusher_radius: float
    pusher_height: float
    pusher_bottom: float
    speed: float
    goal_distance: tuple[float, float]
    shift: float
    success_distance: float
    heading: bool
    goal_turn: float
    success_angle: float
    horizon: int

    action_size = 2

    @classmethod
    def of(cls, data: dict[str, Any]) -> PushTask:
        """The task that ``tasks.json`` tells of."""
        flat = {**data, **data["table"], "obstacles": [tuple(each) for each in data["table"]["obstacles"]]}
        known: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in flat.items()}
        return cls(**{key: known[key] for key in cls.__dataclass_fields__})

    @property
    def objects(self) -> tuple[str, ...]:
        """The target alone."""
        return (self.target,)

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 28 if self.heading else 23

    def observation(self, state: PushState) -> Tensor:  # (N, 23 or 28)
        """What a policy sees, in the order that docs of the scene's MuJoCo task give."""
        rotation = matrix_of(state.wxyz)
        place, goal = state.position[:, :2], state.goal[:, :2]
        parts = [state.tool, state.tool_velocity, state.position, rotation[:, :, 0], rotation[:, :, 1]]
        parts += [state.velocity[:, :2], state.spin[:, 2:], state.tool - place, goal - place, goal]
        parts.append(self.distance(state)[:, None])
        if self.heading:
            left = self._turn_left(state)
            parts += [unit_of(state.goal[:, 2]), unit_of(left), left.abs()[:, None]]
        return torch.cat(parts, dim=1)

    def control(self, action: Tensor) -> Tensor:  # (N, 2) [m/s]
        """The velocity that an action asks for."""
        return self.speed * action.clamp(-1.0, 1.0)

    def distance(self, state: PushState) -> Tensor:  # (N,) [m]
        """How far the target is from its goal in the plane."""
        return (state.goal[:, :2] - state.position[:, :2]).norm(dim=1)

    def potential(self, state: PushState) -> Tensor:  # (N,)
        """Minus ten times the way still to go [m]."""
        way = self.distance(state)
        if self.heading:
            way = way + self.radius * self._turn_left(state).abs()
        return -10.0 * (way + 0.1 * self._way_behind(state))

    def success(self, state: PushState) -> Tensor:  # (N,) bool
        """Whether the target is at its goal."""
        there = self.distance(state) < self.success_distance
        return there & (self._turn_left(state).abs() < self.success_angle) if self.heading else there

    def failed(self, state: PushState) -> Tensor:  # (N,) bool
        """Whether the target has left the table."""
        return state.position[:, 2] < self.home[2] - OFF_TABLE

    def marks(self, goal: Tensor) -> Tensor:  # (N, 1, 3) → (N, 1, 4)
        """The disc on the table that shows the goal: centre and radius [m]."""
        height = torch.full_like(goal[..., :1], self.pusher_bottom + MARK_HEIGHT)
        return torch.cat([goal[..., :2], height, torch.full_like(height, self.success_distance)], dim=-1)

    def sample_start(self, count: int, device: torch.device | str) -> Start:
        """Draw starts: target near its place and turned, goal and pusher free of obstacles where there is room."""

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(*shape, device=device)

        shift = self.shift * torch.rand(count, 1, device=device).sqrt() * unit_of(uniform(-math.pi, math.pi, count))
        start = (torch.tensor(self.home[:2], device=device) + shift)[:, None]
        away = uniform(*self.goal_distance, count, CANDIDATES)[..., None]
        goals = start + away * unit_of(uniform(-math.pi, math.pi, count, CANDIDATES))
        near = self.radius + self.pusher_radius + uniform(0.01, 0.05, count, CANDIDATES)[..., None]
        pushers = start + near * unit_of(uniform(-math.pi, math.pi, count, CANDIDATES))
        yaw = uniform(-math.pi, math.pi, count)
        turned = yaw + uniform(-self.goal_turn, self.goal_turn, count)
        heading = torch.atan2(turned.sin(), turned.cos())
        goal = torch.cat([self._freest(goals, self.radius), heading[:, None]], dim=1)
        return Start(self._freest(pushers, self.pusher_radius), shift, yaw, goal)

    def _freest(self, points: Tensor, radius: float) -> Tensor:  # (N, C, 2) [m] → (N, 2) [m]
        """The first point with room for a disc inside the workspace and beside the obstacles, else the best one."""
        low, high = points.new_tensor(self.low), points.new_tensor(self.high)
        room = torch.minimum(points - low, high - points).amin(-1) - radius
        for x, y, r in self.obstacles:
            room = torch.minimum(room, (points - points.new_tensor([x, y])).norm(dim=-1) - r - radius)
        free = room >= 0
        best = torch.where(free.any(1), free.float().argmax(1), room.argmax(1))
        return points[torch.arange(len(points), device=points.device), best]

    def _way_behind(self, state: PushState) -> Tensor:  # (N,) [m]
        """The pusher's way to the circle on which it touches, and along it to where it shall push from.

        That is the side away from the goal; with ``heading``, so far beside it that a push turns the target on its way
        by what is left.  At the place of the goal no side is the right one.
        """
        arm, ahead = state.tool - state.position[:, :2], state.goal[:, :2] - state.position[:, :2]
        reach, left = arm.norm(dim=1), ahead.norm(dim=1)
        touching = self.radius + self.pusher_radius
        cross, dot = arm[:, 0] * ahead[:, 1] - arm[:, 1] * ahead[:, 0], (arm * ahead).sum(1)
        round_it = torch.atan2(cross, -dot)
        if self.heading:
            offset = self._turn_left(state) * (TURNS_AT * self.radius) ** 2 / left.clamp_min(1e-3)
            limit = MOST_OFFSET * self.radius
            round_it = round_it - (offset.clamp(-limit, limit) / touching).asin()
            round_it = torch.atan2(round_it.sin(), round_it.cos())
            round_it = round_it * (left / self.success_distance).clamp_max(1.0)
        return (reach - touching).clamp_min(0.0) + touching * round_it.abs()

    def _turn_left(self, state: PushState) -> Tensor:  # (N,) [rad] in -π..π
        turned = matrix_of(state.wxyz) @ matrix_of(state.wxyz.new_tensor(self.home_wxyz)[None]).transpose(1, 2)
        x, y = (turned[:, :2, :2] @ state.wxyz.new_tensor(self.axis)).unbind(1)
        yaw = torch.atan2(self.axis[0] * y - self.axis[1] * x, self.axis[0] * x + self.axis[1] * y)
        left = state.goal[:, 2] - yaw
        return torch.atan2(left.sin(), left.cos())
