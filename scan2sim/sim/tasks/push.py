"""Push: a round pusher moves one object to a place, or to a place and a heading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim.tasks.task import Spread, Start, Table, TaskState, unit_vector, yaw_of

__all__ = ["PUSH_SIZES", "PushTask"]

Array = NDArray[np.float64]
CANDIDATES = 256
OFF_TABLE = 0.05  # [m] below its place in the scene
PUSH_SIZES = {False: 23, True: 28}  # numbers in an observation, without and with a heading
TURNS_AT = 0.6  # of the radius: lever at which the friction below a disc holds against being turned
MOST_OFFSET = 0.8  # of the radius: farther out a push slides off


@dataclass(frozen=True)
class PushTask:
    """A round pusher on two axes moves one object to a goal on the table.

    The action, in [-1, 1]², is the pusher's velocity as a part of ``speed``.  The reward is the fall of the potential
    ``10 (d_goal + 0.1 d_behind)`` with the target's distance to the goal and the pusher's way round the target to where
    it stands behind it, as seen from the goal [m], which does not change the best policy (Ng, Harada and Russell 1999,
    "Policy invariance under reward transformations"), and 1 on success.  With ``heading``, ``d_goal`` gains the way of
    the target's rim about its origin, and behind is where a push also turns it by what is left.
    """

    kind: ClassVar[str] = "push"
    tool_joints: ClassVar[tuple[str, ...]] = ("pusher-x", "pusher-y")
    sensors: ClassVar[tuple[str, ...]] = ()
    action_size: ClassVar[int] = 2

    target: str
    """Name of the object to push."""
    home: tuple[float, float, float]
    """The target's position in the scene [m]."""
    radius: float
    """Of the circle about the target's origin that holds its footprint [m]."""
    table: Table
    """Workspace and obstacles."""
    home_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    """The target's rotation in the scene, from which headings count."""
    axis: tuple[float, float] = (1.0, 0.0)
    """Of the target, level in the scene: where it points is the heading."""
    spreads: tuple[Spread, ...] = ()
    """What is not known of the objects."""
    pusher_radius: float = 0.015
    """Of the round pusher [m]."""
    pusher_height: float = 0.05
    """From its lower end to its upper end [m]."""
    pusher_bottom: float = 0.003
    """Height of its lower end in the scene [m]."""
    speed: float = 0.2
    """Of the pusher at full action, along each axis [m/s]."""
    goal_distance: tuple[float, float] = (0.05, 0.12)
    """From the target's start to the goal [m]."""
    shift: float = 0.005
    """The target starts within this distance of its place in the scene [m]."""
    success_distance: float = 0.02
    """The target is there when its origin is this near to the goal [m]."""
    heading: bool = False
    """Whether the target shall also be turned."""
    goal_turn: float = float(np.pi / 2)
    """With ``heading``: the goal is turned from the start by at most this [rad]."""
    success_angle: float = float(np.radians(15))
    """With ``heading``: and the target is there when it is turned this near to the goal [rad]."""
    horizon: int = 300
    """Actions an episode at 30 Hz."""

    def __post_init__(self) -> None:
        numbers = (*self.home, *self.home_wxyz, self.radius, *self.goal_distance, self.shift, self.speed)
        sizes = (self.radius, self.pusher_radius, self.pusher_height, self.speed, self.success_distance)
        if not np.isfinite(numbers).all():
            raise ValueError("its numbers are not all finite")
        if min(sizes) <= 0 or not np.linalg.norm(self.home_wxyz) > 0:
            raise ValueError("its radii, height, speed and success distance must be positive")
        if not np.isclose(np.linalg.norm(self.axis), 1, atol=1e-6):
            raise ValueError("its axis must have length 1")
        if not 0 <= self.goal_distance[0] <= self.goal_distance[1] or self.shift < 0 or self.horizon < 1:
            raise ValueError("its goal distance, shift or horizon is out of range")
        if not (0 <= self.goal_turn <= np.pi and 0 < self.success_angle <= np.pi):
            raise ValueError("its goal turn or success angle is out of range")

    @property
    def objects(self) -> tuple[str, ...]:
        """The target alone."""
        return (self.target,)

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return PUSH_SIZES[self.heading]

    def observation(self, state: TaskState) -> Array:  # (..., 23 or 28)
        """What a policy sees.

        Pusher position and velocity (4), target position (3), the first two columns of its rotation (6), its velocity
        in the plane and spin about the vertical (3), the pusher as seen from the target (2), the goal as seen from the
        target (2), the goal (2), and the distance left (1).  With ``heading`` also cosine and sine of the goal's
        heading (2) and of the turn left (2), and its size [rad] (1).
        """
        position, goal = state.position[..., 0, :], state.goal[..., 0, :2]
        rotation = matrix_from_quaternion(state.wxyz[..., 0, :])
        parts = [
            state.tool,
            state.tool_velocity,
            position,
            rotation[..., :, 0],
            rotation[..., :, 1],
            state.velocity[..., 0, :2],
            state.spin[..., 0, 2:],
            state.tool - position[..., :2],
            goal - position[..., :2],
            goal,
            self.distance(state)[..., None],
        ]
        if self.heading:
            left = self._turn_left(state)
            parts += [unit_vector(state.goal[..., 0, 2]), unit_vector(left), np.abs(left)[..., None]]
        return np.concatenate(parts, axis=-1)

    def control(self, action: Array) -> Array:  # (..., 2) [m/s]
        """The velocity that an action asks for; actions outside [-1, 1] are clipped."""
        return self.speed * np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)

    def distance(self, state: TaskState) -> Array:  # (...,) [m]
        """How far the target is from its goal in the plane."""
        return np.linalg.norm(state.goal[..., 0, :2] - state.position[..., 0, :2], axis=-1)

    def angle(self, state: TaskState) -> Array:  # (...,) [rad]
        """How far the target is from its goal's heading, 0..π."""
        return np.abs(self._turn_left(state))

    def potential(self, state: TaskState) -> Array:  # (...,)
        """Minus ten times the way still to go [m]."""
        way = self.distance(state) + (self.radius * self.angle(state) if self.heading else 0.0)
        return -10.0 * (way + 0.1 * self._way_behind(state))

    def reward(self, before: TaskState, after: TaskState) -> Array:  # (...,)
        """The gain of potential over one action, and 1 when the goal is reached."""
        return self.potential(after) - self.potential(before) + self.success(after)

    def success(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target is at its goal."""
        there = self.distance(state) < self.success_distance
        return there & (self.angle(state) < self.success_angle) if self.heading else there

    def failed(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target has left the table."""
        return state.position[..., 0, 2] < self.home[2] - OFF_TABLE

    def sample_start(self, rng: np.random.Generator) -> Start:
        """Draw a start: target near its place and turned, goal and pusher free of obstacles where there is room."""
        shift = self.shift * np.sqrt(rng.random()) * unit_vector(rng.uniform(-np.pi, np.pi))
        start = np.array(self.home[:2]) + shift
        away = rng.uniform(*self.goal_distance, CANDIDATES)[:, None]
        goals = start + away * unit_vector(rng.uniform(-np.pi, np.pi, CANDIDATES))
        near = self.radius + self.pusher_radius + rng.uniform(0.01, 0.05, CANDIDATES)[:, None]
        pushers = start + near * unit_vector(rng.uniform(-np.pi, np.pi, CANDIDATES))
        yaw = rng.uniform(-np.pi, np.pi)
        turned = yaw + rng.uniform(-self.goal_turn, self.goal_turn)
        goal = (*self.table.freest(goals, self.radius), np.arctan2(np.sin(turned), np.cos(turned)))
        tool = self.table.freest(pushers, self.pusher_radius)
        return Start(tool=tool, shift=shift[None], yaw=np.array([yaw]), goal=np.array([goal]))

    def _way_behind(self, state: TaskState) -> Array:  # (...,) [m]
        """The pusher's way to the circle on which it touches, and along it to where it shall push from.

        That is the side away from the goal; with ``heading``, so far beside it that a push turns the target on its way
        by what is left.  A push at offset h turns a disc of radius r that slides by h / c² for each metre, with c about
        0.6 r (its friction's moment over its force; Lynch and Mason 1996, "Stable pushing").  At the place of the goal
        no side is the right one.
        """
        arm, ahead = state.tool - state.position[..., 0, :2], state.goal[..., 0, :2] - state.position[..., 0, :2]
        reach, left = np.linalg.norm(arm, axis=-1), np.linalg.norm(ahead, axis=-1)
        touching = self.radius + self.pusher_radius
        cross, dot = arm[..., 0] * ahead[..., 1] - arm[..., 1] * ahead[..., 0], (arm * ahead).sum(-1)
        round_it = np.arctan2(cross, -dot)
        if self.heading:
            offset = self._turn_left(state) * (TURNS_AT * self.radius) ** 2 / np.maximum(left, 1e-3)
            limit = MOST_OFFSET * self.radius
            round_it = round_it - np.arcsin(np.clip(offset, -limit, limit) / touching)
            round_it = np.arctan2(np.sin(round_it), np.cos(round_it))
            round_it = round_it * np.minimum(left / self.success_distance, 1.0)
        return np.maximum(reach - touching, 0.0) + touching * np.abs(round_it)

    def _turn_left(self, state: TaskState) -> Array:  # (...,) [rad] in -π..π
        left = state.goal[..., 0, 2] - yaw_of(state.wxyz[..., 0, :], np.array(self.home_wxyz), np.array(self.axis))
        return np.arctan2(np.sin(left), np.cos(left))
