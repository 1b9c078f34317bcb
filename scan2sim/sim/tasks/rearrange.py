"""Rearrange: the gripper brings several objects to their goals on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim.tasks.gripper import FINGERS, GRIPPER_JOINTS, Gripper
from scan2sim.sim.tasks.task import Spread, Start, Table, TaskState, unit_vector

__all__ = ["RearrangeTask"]

Array = NDArray[np.float64]
CANDIDATES = 256
OFF_TABLE = 0.05  # [m] below its place in the scene
EACH = 19  # numbers of an object in an observation


@dataclass(frozen=True)
class RearrangeTask:
    """A gripper that flies freely brings objects to goals on the table and lets go of them.

    An object is there when its origin is within ``success_distance`` of the goal in the plane and within
    ``success_height`` of its height in the scene.  The reward is the fall of the potential
    ``10 (Σ d_goal + 0.3 d_reach) - Σ there`` with each object's way to its goal and the way from the grip point to the
    nearest object that is not there [m]; and 1 when all are there and no finger touches anything.
    """

    kind: ClassVar[str] = "rearrange"
    tool_joints: ClassVar[tuple[str, ...]] = GRIPPER_JOINTS
    sensors: ClassVar[tuple[str, ...]] = FINGERS
    action_size: ClassVar[int] = 5

    targets: tuple[str, ...]
    """Names of the objects to bring."""
    homes: tuple[tuple[float, float, float], ...]
    """Their positions in the scene [m]."""
    radii: tuple[float, ...]
    """Of circles about their origins that hold their footprints [m]."""
    table: Table
    """Workspace and obstacles."""
    gripper: Gripper
    """The gripper and its workspace."""
    spreads: tuple[Spread, ...] = ()
    """What is not known of the objects."""
    goal_distance: tuple[float, float] = (0.06, 0.15)
    """From an object's start to its goal [m]."""
    shift: float = 0.005
    """Objects start within this distance of their places in the scene [m]."""
    success_distance: float = 0.02
    """In the plane [m]."""
    success_height: float = 0.01
    """Above or below its height in the scene [m]."""
    horizon: int = 600
    """Actions an episode at 30 Hz."""

    def __post_init__(self) -> None:
        numbers = (*np.ravel(self.homes), *self.radii, *self.goal_distance, self.shift)
        if not self.targets or not len(self.targets) == len(self.homes) == len(self.radii):
            raise ValueError("it needs a home and a radius for each of its targets")
        if not np.isfinite(numbers).all():
            raise ValueError("its numbers are not all finite")
        if min(*self.radii, self.success_distance, self.success_height) <= 0:
            raise ValueError("its radii and success distances must be positive")
        if not 0 <= self.goal_distance[0] <= self.goal_distance[1] or self.shift < 0 or self.horizon < 1:
            raise ValueError("its goal distance, shift or horizon is out of range")

    @property
    def objects(self) -> tuple[str, ...]:
        """The targets."""
        return self.targets

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return 13 + EACH * len(self.targets)

    def observation(self, state: TaskState) -> Array:  # (..., 13 + 19 O)
        """What a policy sees.

        The gripper (13, see `Gripper.observation`), and for each object its position (3), the first two columns of its
        rotation (6), its velocity (3), itself as seen from the grip point (3), its goal in the plane as seen from it
        (2), its spin about the vertical (1), and whether it is there (1).
        """
        rotation = matrix_from_quaternion(state.wxyz)
        each = np.concatenate(
            [
                state.position,
                rotation[..., :, 0],
                rotation[..., :, 1],
                state.velocity,
                state.position - state.tool[..., None, :3],
                state.goal[..., :2] - state.position[..., :2],
                state.spin[..., 2:],
                self.there(state)[..., None],
            ],
            axis=-1,
        )
        numbers = np.asarray(each, dtype=np.float64).reshape(*each.shape[:-2], -1)
        return np.concatenate([self.gripper.observation(state), numbers], axis=-1)

    def control(self, action: Array) -> Array:  # (..., 5) → (..., 6)
        """What the gripper's servos are told."""
        return self.gripper.control(action)

    def there(self, state: TaskState) -> NDArray[np.bool_]:  # (..., O)
        """Which objects stand at their goals."""
        off = state.goal - state.position
        flat = np.linalg.norm(off[..., :2], axis=-1) < self.success_distance
        return flat & (np.abs(off[..., 2]) < self.success_height)

    def distance(self, state: TaskState) -> Array:  # (...,) [m]
        """The farthest object's way to its goal."""
        return np.linalg.norm(state.goal - state.position, axis=-1).max(-1)

    def potential(self, state: TaskState) -> Array:  # (...,)
        """Less is worse; see the class."""
        there = self.there(state)
        reach = np.linalg.norm(state.position - state.tool[..., None, :3], axis=-1)
        away = np.where(there, np.inf, reach).min(-1)
        nearest = np.where(np.isfinite(away), away, 0.0)
        ways = np.linalg.norm(state.goal - state.position, axis=-1).sum(-1)
        return np.asarray(there.sum(-1) - 10.0 * (ways + 0.3 * nearest))

    def reward(self, before: TaskState, after: TaskState) -> Array:  # (...,)
        """The gain of potential over one action, and 1 when all is done."""
        return self.potential(after) - self.potential(before) + self.success(after)

    def success(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether all objects stand at their goals and none is held."""
        return self.there(state).all(-1) & (self.gripper.touching(state).sum(-1) == 0)

    def failed(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether an object has left the table."""
        return np.any(state.position[..., 2] < np.array(self.homes)[:, 2] - OFF_TABLE, axis=-1)

    def sample_start(self, rng: np.random.Generator) -> Start:
        """Draw a start: objects near their places and turned, goals free of obstacles and of each other."""
        count = len(self.targets)
        shifts = self.shift * np.sqrt(rng.random(count))[:, None] * unit_vector(rng.uniform(-np.pi, np.pi, count))
        homes = np.array(self.homes)
        taken = [(*(home[:2] + shift), r) for home, shift, r in zip(homes, shifts, self.radii, strict=True)]
        goals = []
        for i, radius in enumerate(self.radii):
            away = rng.uniform(*self.goal_distance, CANDIDATES)[:, None]
            places = taken[i][:2] + away * unit_vector(rng.uniform(-np.pi, np.pi, CANDIDATES))
            others = tuple(disc for k, disc in enumerate(taken) if k != i)
            table = Table(self.table.low, self.table.high, (*self.table.obstacles, *others))
            goal = table.freest(places, radius)
            goals.append((*goal, homes[i, 2]))
            taken.append((*goal, radius))
        tool = self.gripper.sample(rng, homes[:, :2].mean(0), 0.1)
        return Start(tool=tool, shift=shifts, yaw=rng.uniform(-np.pi, np.pi, count), goal=np.array(goals))
