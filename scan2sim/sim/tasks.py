"""Tasks, defined once as pure functions on states: observation, action, reset, reward, success, 30 Hz, horizon.

Simulators and learned models alike step the states; nothing here knows which.  All functions take a single state or
states with leading batch axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion

__all__ = ["CONTROL_HZ", "PushReset", "PushState", "PushTask"]

Array = NDArray[np.float64]
CONTROL_HZ = 30
CANDIDATES = 256


@dataclass(frozen=True)
class PushState:
    """Everything that Push needs to know; leading axes are batches."""

    pusher: Array  # (..., 2) [m]
    pusher_velocity: Array  # (..., 2) [m/s]
    position: Array  # (..., 3) [m] of the target
    wxyz: Array  # (..., 4) of the target
    velocity: Array  # (..., 3) [m/s] of the target
    spin: Array  # (..., 3) [rad/s] of the target, scene axes
    goal: Array  # (..., 2) [m] where the target shall be


@dataclass(frozen=True)
class PushReset:
    """Where an episode starts."""

    shift: Array  # (2,) [m] of the target from its place in the scene
    yaw: float  # [rad] of the target about the vertical through its origin
    pusher: Array  # (2,) [m]
    goal: Array  # (2,) [m]


@dataclass(frozen=True)
class PushTask:
    """A round pusher on two axes moves one object to a goal on the table.

    The action, in [-1, 1]², is the pusher's velocity as a part of ``speed``.  The reward is the fall of the potential
    ``10 (d_goal + 0.3 d_reach)`` with the target's distance to the goal and the pusher's distance to the target's rim
    [m], which does not change the best policy (Ng, Harada and Russell 1999, "Policy invariance under reward
    transformations"), and 1 on success.
    """

    target: str
    """Name of the object to push."""
    home: tuple[float, float, float]
    """The target's position in the scene [m]."""
    radius: float
    """Of the circle about the target's origin that holds its footprint [m]."""
    low: tuple[float, float]
    """Lower corner of the workspace [m]."""
    high: tuple[float, float]
    """Upper corner of the workspace [m]."""
    obstacles: tuple[tuple[float, float, float], ...] = ()
    """x, y and radius of the other things on the table [m]."""
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
    horizon: int = 300
    """Actions an episode at 30 Hz."""

    def __post_init__(self) -> None:
        numbers = (*self.home, self.radius, *self.low, *self.high, *self.goal_distance, self.shift, self.speed)
        sizes = (self.radius, self.pusher_radius, self.pusher_height, self.speed, self.success_distance)
        if not np.isfinite(numbers).all() or not np.isfinite(self.obstacles).all():
            raise ValueError("its numbers are not all finite")
        if min(sizes) <= 0 or not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError("its radii, height, speed and workspace must be positive")
        if not 0 <= self.goal_distance[0] <= self.goal_distance[1] or self.shift < 0 or self.horizon < 1:
            raise ValueError("its goal distance, shift or horizon is out of range")

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 23

    def observation(self, state: PushState) -> Array:  # (..., 23)
        """What a policy sees.

        Pusher position and velocity (4), target position (3), the first two columns of its rotation (6), its velocity
        in the plane and spin about the vertical (3), the pusher as seen from the target (2), the goal as seen from the
        target (2), the goal (2), and the distance left (1).
        """
        rotation = matrix_from_quaternion(state.wxyz)
        return np.concatenate(
            [
                state.pusher,
                state.pusher_velocity,
                state.position,
                rotation[..., :, 0],
                rotation[..., :, 1],
                state.velocity[..., :2],
                state.spin[..., 2:],
                state.pusher - state.position[..., :2],
                state.goal - state.position[..., :2],
                state.goal,
                self.distance(state)[..., None],
            ],
            axis=-1,
        )

    def pusher_velocity(self, action: Array) -> Array:  # (..., 2) [m/s]
        """The velocity that an action asks for; actions outside [-1, 1] are clipped."""
        return self.speed * np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)

    def distance(self, state: PushState) -> Array:  # (...,) [m]
        """How far the target is from its goal in the plane."""
        return np.linalg.norm(state.goal - state.position[..., :2], axis=-1)

    def potential(self, state: PushState) -> Array:  # (...,)
        """Minus ten times the way still to go [m]."""
        reach = np.linalg.norm(state.pusher - state.position[..., :2], axis=-1) - self.radius - self.pusher_radius
        return -10.0 * (self.distance(state) + 0.3 * np.maximum(reach, 0.0))

    def reward(self, before: PushState, after: PushState) -> Array:  # (...,)
        """The gain of potential over one action, and 1 when the goal is reached."""
        return self.potential(after) - self.potential(before) + self.success(after)

    def success(self, state: PushState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target is at its goal."""
        return self.distance(state) < self.success_distance

    def fell(self, state: PushState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target has left the table."""
        return state.position[..., 2] < self.home[2] - 0.05

    def sample_reset(self, rng: np.random.Generator) -> PushReset:
        """Draw a start: target near its place and turned, goal and pusher free of obstacles where there is room.

        Of 256 candidates the first one that is free is taken, else the freest, so that a crowded table gives crowded
        starts and no endless loop.
        """
        shift = self.shift * np.sqrt(rng.random()) * _unit(rng.uniform(-np.pi, np.pi))
        start = np.array(self.home[:2]) + shift
        away = rng.uniform(*self.goal_distance, CANDIDATES)[:, None]
        goals = start + away * _unit(rng.uniform(-np.pi, np.pi, CANDIDATES))
        near = self.radius + self.pusher_radius + rng.uniform(0.01, 0.05, CANDIDATES)[:, None]
        pushers = start + near * _unit(rng.uniform(-np.pi, np.pi, CANDIDATES))
        return PushReset(
            shift=shift,
            yaw=float(rng.uniform(-np.pi, np.pi)),
            pusher=self._freest(pushers, self.pusher_radius),
            goal=self._freest(goals, self.radius),
        )

    def _freest(self, points: Array, radius: float) -> Array:  # (N, 2) → (2,)
        """The first point with room for a disc inside the workspace and beside the obstacles, else the best one."""
        room = np.minimum(points - self.low, np.array(self.high) - points).min(1) - radius
        for x, y, r in self.obstacles:
            room = np.minimum(room, np.linalg.norm(points - [x, y], axis=1) - r - radius)
        free = room >= 0
        return points[np.argmax(free) if free.any() else np.argmax(room)]


def _unit(angle: Array | float) -> Array:  # (...,) → (..., 2)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)
