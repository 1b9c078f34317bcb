"""A push to imagine without a robot at hand: a ball goes straight through one object's place."""

from __future__ import annotations

import numpy as np

from scan2sim.geometry import Array
from scan2sim.scene import Scene
from scan2sim.sim import PushTask, push_task
from splatwm.actions import RobotMotion, pusher_motion

__all__ = ["straight_push"]

DT = 1 / 30  # [s]
RADIUS = 0.015  # [m] of the ball
BEFORE = 0.03  # [m] between ball and object at the start
AFTER = 0.5  # [s] in which the ball stands still at the end
DIRECTIONS = 64  # that are looked at for room


def straight_push(
    scene: Scene,
    target: str | None = None,
    *,
    length: float = 0.08,  # [m] that the object shall go
    speed: float = 0.12,  # [m/s]
) -> RobotMotion:
    """Push an object straight to where there is room for it.

    Without a name it is the smallest free object that stands alone on the main support.

    Raises:
        UsageError: there is no such object, or nothing in the scene can be pushed.
    """
    task = push_task(scene, target)
    home, direction = np.array(task.home), _direction(task, length)
    height = max(task.pusher_bottom + RADIUS, min(home[2], task.pusher_bottom + task.pusher_height))
    start = home[:2] - direction * (task.radius + RADIUS + BEFORE)
    way = BEFORE + length + 2 * task.radius
    steps = int(np.ceil(way / speed / DT))
    along = np.concatenate([np.linspace(0, way, steps + 1), np.full(round(AFTER / DT), way)])
    path = np.column_stack([start + along[:, None] * direction, np.full(len(along), height)])
    return pusher_motion(path, RADIUS, DT)


def _direction(task: PushTask, length: float) -> Array:  # (2,)
    """Of the directions, the first in which the way's end and its middle are free, else that with the most room."""
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ends = np.array(task.home[:2]) + length * directions
    goal = task.table.freest(ends, task.radius) - task.home[:2]
    return goal / np.linalg.norm(goal)
