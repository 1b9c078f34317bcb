"""What every task has: states, starts, the table it happens on, and what is not known about its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion

__all__ = ["CONTROL_HZ", "SUBSTEPS", "Spread", "Start", "Table", "Task", "TaskState", "unit_vector", "yaw_of"]

Array = NDArray[np.float64]
CONTROL_HZ = 30
SUBSTEPS = 8  # steps of physics an action, of 1/240 s: twice the step of everything else here, see docs/tasks.md


@dataclass(frozen=True)
class TaskState:
    """A tool, the task's objects and their goals; leading axes are batches."""

    tool: Array  # (..., T) [m, rad] values of the tool's joints
    tool_velocity: Array  # (..., T) [m/s, rad/s]
    position: Array  # (..., O, 3) [m] of the objects
    wxyz: Array  # (..., O, 4)
    velocity: Array  # (..., O, 3) [m/s]
    spin: Array  # (..., O, 3) [rad/s], scene axes
    touch: Array  # (..., K) [N] pressure on the tool's sensors
    goal: Array  # (..., O, 3) where the objects shall be; Push has x, y [m] and heading [rad]


@dataclass(frozen=True)
class Start:
    """Where an episode starts."""

    tool: Array  # (T,) [m, rad]
    shift: Array  # (O, 2) [m] of each object from its place in the scene
    yaw: Array  # (O,) [rad] of each object about the vertical through its origin
    goal: Array  # (O, 3)


@dataclass(frozen=True)
class Spread:
    """What is not known of one object: an episode draws its mass and friction from their intervals."""

    name: str
    """Of the object."""
    mass: tuple[float, float, float]
    """The scene's value, least and largest [kg]."""
    friction: tuple[float, float, float]
    """The scene's value, least and largest."""

    def __post_init__(self) -> None:
        for value, low, high in (self.mass, self.friction):
            if not 0 < low <= value <= high < np.inf:
                raise ValueError(f"{self.name}: its mass and friction need 0 < low ≤ value ≤ high")

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:  # mass [kg], friction
        """Uniform in the logarithm."""
        return _log_uniform(rng, self.mass), _log_uniform(rng, self.friction)


@dataclass(frozen=True)
class Table:
    """The part of the table that a task uses, and what else stands there."""

    low: tuple[float, float]
    """Lower corner of the workspace [m]."""
    high: tuple[float, float]
    """Upper corner of the workspace [m]."""
    obstacles: tuple[tuple[float, float, float], ...] = ()
    """x, y and radius of the other things on the table [m]."""

    def __post_init__(self) -> None:
        if not np.isfinite((*self.low, *self.high)).all() or not np.isfinite(self.obstacles).all():
            raise ValueError("the table's numbers are not all finite")
        if not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError("the workspace must be positive")

    def freest(self, points: Array, radius: float) -> Array:  # (N, 2) [m] → (2,) [m]
        """The first point with room for a disc inside the workspace and beside the obstacles, else the best one.

        A crowded table thus gives crowded starts and no endless loop.
        """
        room = np.minimum(points - self.low, np.array(self.high) - points).min(1) - radius
        for x, y, r in self.obstacles:
            room = np.minimum(room, np.linalg.norm(points - [x, y], axis=1) - r - radius)
        free = room >= 0
        return points[np.argmax(free) if free.any() else np.argmax(room)]


class Task(Protocol):
    """What a simulator, a learned model or a policy needs of a task."""

    kind: ClassVar[str]
    """``push``, ``lift`` or ``rearrange``."""
    tool_joints: ClassVar[tuple[str, ...]]
    """Names of the tool's joints, in the order of `TaskState.tool`."""
    sensors: ClassVar[tuple[str, ...]]
    """Names of the tool's touch sensors."""
    action_size: ClassVar[int]
    """Numbers in an action, each in [-1, 1]."""

    @property
    def horizon(self) -> int:
        """Actions an episode at 30 Hz."""
        ...

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of the objects in the order of `TaskState.position`."""
        ...

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """What is not known of the objects."""
        ...

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        ...

    def observation(self, state: TaskState) -> Array:  # (..., observation_size)
        """What a policy sees."""
        ...

    def control(self, action: Array) -> Array:  # (..., A) → (..., U)
        """What the tool's servos are told; actions outside [-1, 1] are clipped."""
        ...

    def potential(self, state: TaskState) -> Array:  # (...,)
        """What a state is worth: more is nearer to success."""
        ...

    def reward(self, before: TaskState, after: TaskState) -> Array:  # (...,)
        """Of one action."""
        ...

    def success(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether the task is done, which ends the episode."""
        ...

    def failed(self, state: TaskState) -> NDArray[np.bool_]:  # (...,)
        """Whether it cannot be done any more, which ends the episode too."""
        ...

    def distance(self, state: TaskState) -> Array:  # (...,) [m]
        """How far there is to go."""
        ...

    def sample_start(self, rng: np.random.Generator) -> Start:
        """Draw where an episode starts."""
        ...


def unit_vector(angle: Array | float) -> Array:  # (...,) [rad] → (..., 2)
    """Directions in the plane."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def yaw_of(
    wxyz: Array,  # (..., 4)
    home_wxyz: Array,  # (4,)
    axis: Array,  # (2,) unit
) -> Array:  # (...,) [rad]
    """How far a thing's axis, level in the scene, has turned, seen from above; rolling about it does not count."""
    turned = matrix_from_quaternion(wxyz) @ matrix_from_quaternion(home_wxyz).T
    x, y = np.moveaxis(turned[..., :2, :2] @ axis, -1, 0)
    return np.arctan2(axis[0] * y - axis[1] * x, axis[0] * x + axis[1] * y)


def _log_uniform(rng: np.random.Generator, interval: tuple[float, float, float]) -> float:
    return float(np.exp(rng.uniform(np.log(interval[1]), np.log(interval[2]))))
