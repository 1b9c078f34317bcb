"""Lift: the gripper takes one object and raises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim.tasks.gripper import FINGERS, GRIPPER_JOINTS, Gripper
from scan2sim.sim.tasks.task import Spread, Start, TaskState, unit_vector

__all__ = ["LiftTask"]

Array = NDArray[np.float64]
OFF_TABLE = 0.05  # [m] below its place in the scene


@dataclass(frozen=True)
class LiftTask:
    """A gripper that flies freely raises one object by ``height`` and holds it there with both fingers.

    The reward is the fall of the potential ``10 (d_lift + 0.3 d_reach) - 0.25 fingers`` with the height still missing,
    the way from the grip point to the object [m] and the number of fingers that touch something while the grip point
    is nearer to the object than ``near``; and 1 on success.
    """

    kind: ClassVar[str] = "lift"
    tool_joints: ClassVar[tuple[str, ...]] = GRIPPER_JOINTS
    sensors: ClassVar[tuple[str, ...]] = FINGERS
    action_size: ClassVar[int] = 5

    target: str
    """Name of the object to lift."""
    home: tuple[float, float, float]
    """The target's position in the scene [m]."""
    gripper: Gripper
    """The gripper and its workspace."""
    spreads: tuple[Spread, ...] = ()
    """What is not known of the objects."""
    height: float = 0.1
    """To raise it by [m]."""
    shift: float = 0.005
    """The target starts within this distance of its place in the scene [m]."""
    near: float = 0.03
    """Fingers count when the grip point is this near to the target's origin [m]."""
    horizon: int = 200
    """Actions an episode at 30 Hz."""

    def __post_init__(self) -> None:
        if not np.isfinite((*self.home, self.height, self.shift, self.near)).all():
            raise ValueError("its numbers are not all finite")
        if min(self.height, self.near, self.horizon) <= 0 or self.shift < 0:
            raise ValueError("its height, nearness, shift or horizon is out of range")

    @property
    def objects(self) -> tuple[str, ...]:
        """The target alone."""
        return (self.target,)

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 32

    def observation(self, state: TaskState) -> Array:  # (..., 32)
        """What a policy sees.

        The gripper (13, see `Gripper.observation`), target position (3), the first two columns of its rotation (6), its
        velocity and spin (6), the target as seen from the grip point (3), and the height still missing (1).
        """
        position, rotation = state.position[..., 0, :], matrix_from_quaternion(state.wxyz[..., 0, :])
        parts = [self.gripper.observation(state), position, rotation[..., :, 0], rotation[..., :, 1]]
        parts += [state.velocity[..., 0, :], state.spin[..., 0, :], position - state.tool[..., :3]]
        return np.concatenate([*parts, self.distance(state)[..., None]], axis=-1)

    def control(self, action: Array) -> Array:  # (..., 5) → (..., 6)
        """What the gripper's servos are told."""
        return self.gripper.control(action)

    def distance(self, state: TaskState) -> Array:  # (...,) [m]
        """The height still missing."""
        return np.maximum(state.goal[..., 0, 2] - state.position[..., 0, 2], 0.0)

    def potential(self, state: TaskState) -> Array:  # (...,)
        """Less is worse; see the class."""
        reach = np.linalg.norm(state.position[..., 0, :] - state.tool[..., :3], axis=-1)
        fingers = np.where(reach < self.near, self.gripper.touching(state).sum(-1), 0.0)
        return 0.25 * fingers - 10.0 * (self.distance(state) + 0.3 * reach)

    def reward(self, before: TaskState, after: TaskState) -> Array:  # (...,)
        """The gain of potential over one action, and 1 when the object is up."""
        return self.potential(after) - self.potential(before) + self.success(after)

    def success(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target is up and both fingers hold it."""
        return (self.distance(state) <= 0) & self.gripper.touching(state).all(-1)

    def failed(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether the target has left the table."""
        return state.position[..., 0, 2] < self.home[2] - OFF_TABLE

    def sample_start(self, rng: np.random.Generator) -> Start:
        """Draw a start: target near its place and turned, the open gripper above it."""
        shift = self.shift * np.sqrt(rng.random()) * unit_vector(rng.uniform(-np.pi, np.pi))
        yaw = rng.uniform(-np.pi, np.pi)
        goal = np.array(self.home) + np.array([*shift, self.height])
        tool = self.gripper.sample(rng, np.array(self.home[:2]) + shift, self.height)
        return Start(tool=tool, shift=shift[None], yaw=np.array([yaw]), goal=goal[None])
