"""Pushes by chance: a sphere or a box goes beside a thing, pushes it, rises, and goes to the next one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatwm.data.motion import Follower, Waypoint, about_z, corners_of, gap_to
from splatwm.data.stage import Stage
from splatwm.data.world import Links, Poses, State

__all__ = ["PushMotion"]

Array = NDArray[np.float64]
SPHERE = (0.008, 0.02)  # [m] radius
BOX = ((0.01, 0.02), (0.01, 0.06), (0.04, 0.08))  # [m] sides; x is the way it pushes
LENGTH = (0.04, 0.16)  # [m] after the touch
AWAY = 0.01  # [m] from the thing at first
BACK = 0.02  # [m] that it goes back afterwards
ABOVE_TABLE = 0.003  # [m] of its lowest part
OVER = 0.03  # [m] over everything when it goes to the next push
TRAVEL = 0.6  # [m/s]
OUTSIDE = 0.08  # [m] that it may leave the room
TRIES = 32


class PushMotion:
    """One pusher; its shape is drawn once, its pushes one after the other from where things are by then."""

    def __init__(self, stage: Stage, rng: np.random.Generator, speed: tuple[float, float]) -> None:  # [m/s] from, to
        self._stage, self._rng, self._speed = stage, rng, speed
        if rng.random() < 0.5:
            radius = float(np.float32(rng.uniform(*SPHERE)))
            self.links = Links(("pusher",), (f"sphere:{radius:.6g}",))
            self._half = np.full(3, radius)
        else:
            sides = [float(np.float32(rng.uniform(*side))) for side in BOX]
            self.links = Links(("pusher",), ("box:" + "x".join(f"{side:.6g}" for side in sides),))
            self._half = np.array(sides) / 2
        self._reach = float(np.linalg.norm(self._half[:2]))

    def restart(self, rng: np.random.Generator) -> None:
        """Draw other pushes from here on."""
        self._rng = rng

    def first(self, state: State) -> Poses | None:
        """Beside the first thing to push; None if nowhere is room."""
        push = self._plan(state)
        if push is None:
            return None
        start, *rest = push
        self._follower = Follower(start.position, start.yaw)
        self._follower.waypoints = rest
        return self._pose()

    def next(self, state: State, touch: Array, dt: float) -> Poses:
        """A frame further; when a push is over, the next one is planned."""
        if self._follower.arrived:
            push = self._plan(state)
            if push is not None:
                start, *rest = push
                top = max(self._top(state), self._follower.position[2])
                over = [np.array([*at[:2], top]) for at in (self._follower.position, start.position)]
                rise = Waypoint(over[0], self._follower.yaw, TRAVEL)
                self._follower.waypoints = [rise, Waypoint(over[1], start.yaw, TRAVEL), start, *rest]
        self._follower.advance(dt)
        return self._pose()

    def _pose(self) -> Poses:
        return Poses(self._follower.position[None], about_z(self._follower.yaw)[None])

    def _plan(self, state: State) -> list[Waypoint] | None:
        """Where a push starts, and its way from there."""
        stage, rng = self._stage, self._rng
        clouds = [corners_of(stage, state, i) for i in range(len(stage.bodies))]
        for _ in range(TRIES):
            target = int(rng.integers(len(clouds)))
            angle = rng.uniform(-np.pi, np.pi)
            way = np.array([np.cos(angle), np.sin(angle)])
            side = np.array([-way[1], way[0]])
            center = state.position[target][:2]
            across, along = (clouds[target][:, :2] - center) @ side, (clouds[target][:, :2] - center) @ way
            offset = rng.uniform(0.6 * across.min(), 0.6 * across.max())
            start = center + (along.min() - self._reach - AWAY) * way + offset * side
            level = stage.height_at(start)
            lowest = level + ABOVE_TABLE + self._half[2]
            highest = level + 0.9 * (clouds[target][:, 2].max() - level)
            height = rng.uniform(lowest, max(lowest, highest))
            in_room = (start > stage.low - OUTSIDE).all() and (start < stage.high + OUTSIDE).all()
            if in_room and all(gap_to(cloud, start) > self._reach + AWAY / 2 for cloud in clouds):
                length = rng.uniform(*LENGTH) + AWAY
                end = np.clip(start + length * way, stage.low - OUTSIDE, stage.high + OUTSIDE)
                rise = stage.height_at(end) - level
                first, last = np.array([*start, height]), np.array([*end, height + rise])
                back = last - np.array([*(BACK * way), 0.0])
                speed = float(rng.uniform(*self._speed))
                return [
                    Waypoint(first, angle, 0.5 * TRAVEL),
                    Waypoint(last, angle, speed),
                    Waypoint(back, angle, TRAVEL / 2),
                ]
        return None

    def _top(self, state: State) -> float:
        """A height at which nothing is in the way."""
        tops = [corners_of(self._stage, state, i)[:, 2].max() for i in range(len(self._stage.bodies))]
        return float(max(tops)) + self._half[2] + OVER
