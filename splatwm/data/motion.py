"""What moves a robot's links: a path of waypoints, and the promise that every motion keeps."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion
from splatwm.data.stage import Stage
from splatwm.data.world import Links, Poses, State

__all__ = ["Follower", "Motion", "Waypoint", "about_z", "corners_of", "gap_to"]

Array = NDArray[np.float64]


class Motion(Protocol):
    """Decides frame by frame where links go."""

    links: Links

    def first(self, state: State) -> Poses | None:
        """Where the links begin; None if there is nothing that they could do here."""
        ...

    def next(self, state: State, touch: Array, dt: float) -> Poses:  # touch (K, 3) [N s] of the frame before
        """Where the links shall be a frame later."""
        ...


TURNING = 12.0  # [rad/s] of a link on its way


class Waypoint(NamedTuple):
    """A place on a path, and how fast to go there."""

    position: Array  # (3,) [m]
    yaw: float  # [rad]
    speed: float  # [m/s]


class Follower:
    """A point with a heading that goes from waypoint to waypoint; it turns on the way."""

    def __init__(self, position: Array, yaw: float) -> None:
        self.position, self.yaw = np.asarray(position, np.float64), yaw
        self.waypoints: list[Waypoint] = []

    @property
    def arrived(self) -> bool:
        """Whether no waypoint is left."""
        return not self.waypoints

    def advance(self, dt: float) -> None:
        """Go on for ``dt`` seconds, past as many waypoints as that takes."""
        while self.waypoints and dt > 0:
            goal = self.waypoints[0]
            way = goal.position - self.position
            length = float(np.linalg.norm(way))
            turn = (goal.yaw - self.yaw + np.pi) % (2 * np.pi) - np.pi
            needed = max(length / goal.speed, abs(turn) / TURNING)
            if needed <= dt:
                self.position, self.yaw = goal.position, goal.yaw
                self.waypoints.pop(0)
                dt -= needed
            else:
                self.position = self.position + way * (dt / needed)
                self.yaw += turn * (dt / needed)
                dt = 0.0


def about_z(yaw: float) -> Array:  # (4,)
    """The quaternion of a turn about z."""
    return np.array([np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)])


def corners_of(stage: Stage, state: State, i: int) -> Array:  # (N, 3) [m] in the scene
    """The corners of a body's surface where it is now."""
    turned = matrix_from_quaternion(state.wxyz[i])
    return np.asarray(stage.bodies[i].surface.vertices) @ turned.T + state.position[i]


def gap_to(corners: Array, place: Array) -> float:  # (N, 3), (2,) [m]
    """From a place on the support to the box around a body's footprint; 0 inside."""
    low, high = corners[:, :2].min(0), corners[:, :2].max(0)
    return float(np.hypot(*np.maximum(np.maximum(low - place, place - high), 0)))
