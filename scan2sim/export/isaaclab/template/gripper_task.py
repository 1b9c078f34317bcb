"""Lift and Rearrange: a parallel gripper that flies freely takes objects; pure functions on batched states.

The same numbers as the tasks that this scene has in MuJoCo: observation, action, reward, success and starts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .rotations import matrix_of, unit_of

__all__ = ["Gripper", "GripperState", "GripperTask", "LiftTask", "RearrangeTask", "Start", "gripper_task_of"]

CANDIDATES = 256  # places that a goal is chosen from
OFF_TABLE = 0.05  # [m] below its place in the scene
PRESSED = 0.05  # [N] from which on a finger touches


class GripperState(NamedTuple):
    """The gripper, the task's objects and their goals."""

    tool: Tensor  # (N, 6) x, y, z [m], yaw [rad], both fingers [m]
    tool_velocity: Tensor  # (N, 6)
    position: Tensor  # (N, O, 3) [m] of the objects in their environment
    wxyz: Tensor  # (N, O, 4)
    velocity: Tensor  # (N, O, 3) [m/s]
    spin: Tensor  # (N, O, 3) [rad/s]
    touch: Tensor  # (N, 2) [N] on the fingers
    goal: Tensor  # (N, O, 3) [m]


class Start(NamedTuple):
    """Where episodes start."""

    tool: Tensor  # (N, 6)
    shift: Tensor  # (N, O, 2) [m] of the objects from their places in the scene
    yaw: Tensor  # (N, O) [rad] of the objects about the verticals through their origins
    goal: Tensor  # (N, O, 3)


@dataclass(frozen=True)
class Gripper:
    """Two fingers that hang down and close along the gripper's y axis.

    The action, in [-1, 1]⁵, is the velocity along x, y and z as a part of ``speed``, the yaw rate as a part of
    ``turn_speed``, and the opening, -1 closed and from -0.5 on open.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    opening: float
    tip: float
    finger: tuple[float, float, float]
    speed: float
    turn_speed: float

    def control(self, action: Tensor) -> Tensor:  # (N, 5) → (N, 6) velocities, and places of the fingers
        """What the servos are told; actions outside [-1, 1] are clipped."""
        asked = action.clamp(-1.0, 1.0)
        finger = (1 + (2 * asked[:, 4:] + 1).clamp_max(0.0)) / 2 * self.opening
        return torch.cat([self.speed * asked[:, :3], self.turn_speed * asked[:, 3:4], finger, finger], dim=1)

    def observation(self, state: GripperState) -> Tensor:  # (N, 13)
        """Grip point, cosine and sine of twice the yaw, opening, velocities, fingers that touch."""
        tool, velocity = state.tool, state.tool_velocity
        width, opens = tool[:, 4:5] + tool[:, 5:6], velocity[:, 4:5] + velocity[:, 5:6]
        parts = [tool[:, :3], unit_of(2 * tool[:, 3]), width, velocity[:, :4], opens, self.touching(state)]
        return torch.cat(parts, dim=1)

    def touching(self, state: GripperState) -> Tensor:  # (N, 2) 0 or 1
        """Whether each finger presses against something."""
        return (state.touch > PRESSED).to(state.tool.dtype)

    def sample(self, over: Tensor, height: float) -> Tensor:  # (N, 2) [m], [m] → (N, 6)
        """Open grippers within 5 cm of places, ``height`` above the lowest that they can be, turned at random."""
        low, high = over.new_tensor(self.low), over.new_tensor(self.high)
        place = (over + _uniform(over, -0.05, 0.05, len(over), 2)).clamp(low[:2], high[:2])
        z = (low[2] + height * _uniform(over, 0.8, 1.2, len(over), 1)).clamp_max(self.high[2])
        turn = _uniform(over, -math.pi / 2, math.pi / 2, len(over), 1)
        return torch.cat([place, z, turn, torch.full_like(place, self.opening / 2)], dim=1)


@dataclass(frozen=True)
class GripperTask(ABC):
    """What Lift and Rearrange have in common."""

    gripper: Gripper
    shift: float
    horizon: int

    action_size = 5

    @property
    @abstractmethod
    def objects(self) -> tuple[str, ...]:
        """Names of the objects, in the order of the states."""

    @property
    @abstractmethod
    def places(self) -> tuple[tuple[float, float, float], ...]:
        """Where they are in the scene [m]."""

    @property
    @abstractmethod
    def observation_size(self) -> int:
        """Numbers in an observation."""

    @abstractmethod
    def observation(self, state: GripperState) -> Tensor:  # (N, observation_size)
        """What a policy sees."""

    def control(self, action: Tensor) -> Tensor:  # (N, 5) → (N, 6)
        """What the gripper's servos are told."""
        return self.gripper.control(action)

    @abstractmethod
    def potential(self, state: GripperState) -> Tensor:  # (N,)
        """Whose gain is the reward."""

    @abstractmethod
    def success(self, state: GripperState) -> Tensor:  # (N,) bool
        """Whether all is done."""

    @abstractmethod
    def sample_start(self, count: int, device: torch.device | str) -> Start:
        """Draw starts."""

    def marks(self, goal: Tensor) -> Tensor:  # (N, O, 3) → (N, M, 4)
        """Discs that show goals on the table: centres and radii [m]; none where things shall go up."""
        return torch.cat([goal, goal[..., :1]], dim=-1)[:, :0]

    def failed(self, state: GripperState) -> Tensor:  # (N,) bool
        """Whether an object has left the table."""
        return (state.position[..., 2] < self._homes(state.position)[:, 2] - OFF_TABLE).any(1)

    def _homes(self, like: Tensor) -> Tensor:  # (O, 3)
        return like.new_tensor(self.places)

    def _shifts(self, homes: Tensor, count: int) -> Tensor:  # (N, O, 2)
        size = self.shift * torch.rand(count, len(homes), 1, device=homes.device).sqrt()
        return size * unit_of(_uniform(homes, -math.pi, math.pi, count, len(homes)))


@dataclass(frozen=True)
class LiftTask(GripperTask):
    """One object is raised by ``height`` and held with both fingers.

    The reward is the fall of the potential ``10 (d_lift + 0.3 d_reach) - 0.25 fingers``, and 1 on success.
    """

    target: str
    home: tuple[float, float, float]
    height: float
    near: float

    @property
    def objects(self) -> tuple[str, ...]:
        """The target alone."""
        return (self.target,)

    @property
    def places(self) -> tuple[tuple[float, float, float], ...]:
        """The target's."""
        return (self.home,)

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 32

    def observation(self, state: GripperState) -> Tensor:  # (N, 32)
        """The gripper, the target's pose and velocity, itself from the grip point, the height missing."""
        position, rotation = state.position[:, 0], matrix_of(state.wxyz[:, 0])
        parts = [self.gripper.observation(state), position, rotation[..., 0], rotation[..., 1]]
        parts += [state.velocity[:, 0], state.spin[:, 0], position - state.tool[:, :3], self._missing(state)[:, None]]
        return torch.cat(parts, dim=1)

    def potential(self, state: GripperState) -> Tensor:  # (N,)
        """Whose gain is the reward."""
        reach = (state.position[:, 0] - state.tool[:, :3]).norm(dim=1)
        fingers = torch.where(reach < self.near, self.gripper.touching(state).sum(1), torch.zeros_like(reach))
        return 0.25 * fingers - 10.0 * (self._missing(state) + 0.3 * reach)

    def success(self, state: GripperState) -> Tensor:  # (N,) bool
        """Whether the target is up and both fingers hold it."""
        return (self._missing(state) <= 0) & (self.gripper.touching(state) > 0).all(1)

    def sample_start(self, count: int, device: torch.device | str) -> Start:
        """The target near its place and turned, the open gripper above it."""
        homes = torch.tensor(self.places, device=device)
        shift = self._shifts(homes, count)
        yaw = _uniform(homes, -math.pi, math.pi, count, 1)
        goal = homes.expand(count, 1, 3) + torch.cat([shift, torch.full_like(shift[..., :1], self.height)], -1)
        return Start(self.gripper.sample(homes[0, :2] + shift[:, 0], self.height), shift, yaw, goal)

    def _missing(self, state: GripperState) -> Tensor:  # (N,) [m]
        return (state.goal[:, 0, 2] - state.position[:, 0, 2]).clamp_min(0.0)


@dataclass(frozen=True)
class RearrangeTask(GripperTask):
    """Objects are brought to goals on the table and let go of.

    The reward is the fall of the potential ``10 (Σ d_goal + 0.3 d_reach) - Σ there``, and 1 when all are there and no
    finger touches anything.
    """

    targets: tuple[str, ...]
    homes: tuple[tuple[float, float, float], ...]
    radii: tuple[float, ...]
    low: tuple[float, float]
    high: tuple[float, float]
    obstacles: tuple[tuple[float, float, float], ...]
    goal_distance: tuple[float, float]
    success_distance: float
    success_height: float

    @property
    def objects(self) -> tuple[str, ...]:
        """The targets."""
        return self.targets

    @property
    def places(self) -> tuple[tuple[float, float, float], ...]:
        """The targets'."""
        return self.homes

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 13 + 19 * len(self.targets)

    def observation(self, state: GripperState) -> Tensor:  # (N, 13 + 19 O)
        """The gripper; each object's pose, velocity, place from the grip point, goal, spin, and whether it is there."""
        rotation = matrix_of(state.wxyz)
        parts = [state.position, rotation[..., 0], rotation[..., 1], state.velocity]
        parts += [state.position - state.tool[:, None, :3], state.goal[..., :2] - state.position[..., :2]]
        parts += [state.spin[..., 2:], self._there(state)[..., None].to(state.position.dtype)]
        return torch.cat([self.gripper.observation(state), torch.cat(parts, -1).flatten(1)], dim=1)

    def potential(self, state: GripperState) -> Tensor:  # (N,)
        """Whose gain is the reward."""
        there = self._there(state)
        reach = (state.position - state.tool[:, None, :3]).norm(dim=-1)
        away = reach.masked_fill(there, math.inf).amin(1)
        nearest = torch.where(away.isfinite(), away, torch.zeros_like(away))
        return there.sum(1) - 10.0 * ((state.goal - state.position).norm(dim=-1).sum(1) + 0.3 * nearest)

    def success(self, state: GripperState) -> Tensor:  # (N,) bool
        """Whether all objects are at their goals and none is held."""
        return self._there(state).all(1) & (self.gripper.touching(state).sum(1) == 0)

    def sample_start(self, count: int, device: torch.device | str) -> Start:
        """Objects near their places and turned, goals free of obstacles and of each other."""
        homes = torch.tensor(self.homes, device=device)
        shift = self._shifts(homes, count)
        taken = [(homes[i, :2] + shift[:, i], radius) for i, radius in enumerate(self.radii)]
        goals = []
        for i, radius in enumerate(self.radii):
            away = _uniform(homes, *self.goal_distance, count, CANDIDATES)[..., None]
            places = taken[i][0][:, None] + away * unit_of(_uniform(homes, -math.pi, math.pi, count, CANDIDATES))
            goal = self._freest(places, radius, [disc for k, disc in enumerate(taken) if k != i])
            goals.append(torch.cat([goal, homes[i, 2].expand(count, 1)], dim=1))
            taken.append((goal, radius))
        yaw = _uniform(homes, -math.pi, math.pi, count, len(homes))
        tool = self.gripper.sample(homes[:, :2].mean(0).expand(count, 2), 0.1)
        return Start(tool, shift, yaw, torch.stack(goals, dim=1))

    def marks(self, goal: Tensor) -> Tensor:  # (N, O, 3) → (N, O, 4)
        """A disc where each object's origin shall be."""
        return torch.cat([goal, torch.full_like(goal[..., :1], self.success_distance)], dim=-1)

    def _there(self, state: GripperState) -> Tensor:  # (N, O) bool
        off = state.goal - state.position
        return (off[..., :2].norm(dim=-1) < self.success_distance) & (off[..., 2].abs() < self.success_height)

    def _freest(self, points: Tensor, radius: float, discs: list[tuple[Tensor, float]]) -> Tensor:  # (N, C, 2) → (N, 2)
        """The first point with room for a disc inside the workspace and beside what stands there, else the best."""
        low, high = points.new_tensor(self.low), points.new_tensor(self.high)
        room = torch.minimum(points - low, high - points).amin(-1) - radius
        fixed = [(points.new_tensor([[x, y]]).expand(len(points), 2), r) for x, y, r in self.obstacles]
        for place, r in (*fixed, *discs):
            room = torch.minimum(room, (points - place[:, None]).norm(dim=-1) - r - radius)
        free = room >= 0
        best = torch.where(free.any(1), free.float().argmax(1), room.argmax(1))
        return points[torch.arange(len(points), device=points.device), best]


def gripper_task_of(data: dict[str, Any]) -> LiftTask | RearrangeTask:
    """The task that ``tasks.json`` tells of."""
    kind = {"lift": LiftTask, "rearrange": RearrangeTask}[data["kind"]]
    flat = {**data, **data.get("table", {})}
    flat["gripper"] = Gripper(**{key: _frozen(data["gripper"][key]) for key in Gripper.__dataclass_fields__})
    return kind(**{key: _frozen(flat[key]) for key in kind.__dataclass_fields__})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _uniform(like: Tensor, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, device=like.device)
