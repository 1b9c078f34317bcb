"""A parallel gripper that flies freely: its joints, what it is told, and what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.sim.tasks.task import TaskState, unit_vector

__all__ = ["FINGERS", "GRIPPER_JOINTS", "Gripper"]

Array = NDArray[np.float64]
FINGERS = ("gripper-left", "gripper-right")
GRIPPER_JOINTS = ("gripper-x", "gripper-y", "gripper-z", "gripper-yaw", *FINGERS)
PRESSED = 0.05  # [N] from which on a finger touches


@dataclass(frozen=True)
class Gripper:
    """Two fingers that hang down and close along the gripper's y axis.

    Its joints are the place of the grip point between the fingers in the scene (x, y, z), its yaw, and how far each
    finger is from the middle.  The action, in [-1, 1]⁵, is the velocity along x, y and z as a part of ``speed``, the
    yaw rate as a part of ``turn_speed``, and the opening, -1 closed and from -0.5 on open: a policy that tries things
    out at random has an open gripper most of the time, and gets things between its fingers.
    """

    low: tuple[float, float, float]
    """Lowest place of the grip point [m]; the fingertips are ``tip`` below it."""
    high: tuple[float, float, float]
    """Highest place of the grip point [m]."""
    opening: float = 0.1
    """Between the open fingers [m]."""
    tip: float = 0.01
    """From the grip point down to the fingertips [m]."""
    finger: tuple[float, float, float] = (0.02, 0.008, 0.06)
    """Width, thickness and length of a finger [m]."""
    speed: float = 0.25
    """At full action, along each axis [m/s]."""
    turn_speed: float = 2.0
    """At full action [rad/s]."""

    def __post_init__(self) -> None:
        if not np.isfinite((*self.low, *self.high)).all():
            raise ValueError("the gripper's numbers are not all finite")
        if min(self.opening, self.tip, *self.finger, self.speed, self.turn_speed) <= 0:
            raise ValueError("the gripper's sizes and speeds must be positive")
        if not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError("the gripper's workspace must be positive")

    def control(self, action: Array) -> Array:  # (..., 5) → (..., 6) [m/s, rad/s, m]
        """Velocities and the places of both fingers; actions outside [-1, 1] are clipped."""
        asked = np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)
        finger = (1 + np.minimum(2 * asked[..., 4:] + 1, 0.0)) / 2 * self.opening
        return np.concatenate([self.speed * asked[..., :3], self.turn_speed * asked[..., 3:4], finger, finger], -1)

    def observation(self, state: TaskState) -> Array:  # (..., 13)
        """Grip point (3), cosine and sine of twice the yaw (2), opening (1), velocities (5), fingers that touch (2).

        Turned by half a turn the gripper is the same.
        """
        tool, velocity = state.tool, state.tool_velocity
        width = tool[..., 4:5] + tool[..., 5:6]
        opens = velocity[..., 4:5] + velocity[..., 5:6]
        return np.concatenate(
            [tool[..., :3], unit_vector(2 * tool[..., 3]), width, velocity[..., :4], opens, self.touching(state)], -1
        )

    def touching(self, state: TaskState) -> Array:  # (..., 2) 0 or 1
        """Whether each finger presses against something."""
        return (state.touch > PRESSED).astype(np.float64)

    def sample(self, rng: np.random.Generator, over: Array, height: float) -> Array:  # (2,) [m], [m] → (6,)
        """An open gripper within 5 cm of a place, ``height`` above the lowest that it can be, turned at random."""
        place = np.clip(over + rng.uniform(-0.05, 0.05, 2), self.low[:2], self.high[:2])
        z = min(self.low[2] + height * rng.uniform(0.8, 1.2), self.high[2])
        return np.array([*place, z, rng.uniform(-np.pi / 2, np.pi / 2), self.opening / 2, self.opening / 2])
