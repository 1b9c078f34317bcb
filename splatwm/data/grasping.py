"""Grasps by chance: a parallel gripper comes down on a thing, closes until it holds it, lifts it and carries it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim import Gripper
from splatwm.data.episode import GRAVITY
from splatwm.data.motion import Follower, Waypoint, about_z, corners_of, gap_to
from splatwm.data.stage import Stage
from splatwm.data.world import Links, Poses, State

__all__ = ["GraspMotion"]

Array = NDArray[np.float64]
OPENING, TIP, FINGER = Gripper.opening, Gripper.tip, Gripper.finger  # [m] of the gripper that tasks have
PALM = (0.04, OPENING + 2 * FINGER[1], 0.03)  # [m]
ROOM = 0.006  # [m] beside the thing on each side, before it closes
LEAST_HEIGHT = 0.015  # [m] of what can be taken
ABOVE = 0.06  # [m] where it begins, over the grip
DESCENT, CLOSING, SQUEEZING = 0.25, 0.04, 0.006  # [m/s] down, fingers through the air, fingers near the thing
NEAR = 0.002  # [m] from the thing
EASE = 0.003  # [m/s] of fingers that hold too hard or too little
GRIP = (2.0, 5.0)  # times the weight, each finger
LEAST_GRIP = 0.5  # [N]
LEAST_GAP = 0.0005  # [m] of a finger from the middle
PATIENCE = 1.0  # [s] of closing, after which it lifts what it has
RISE, CARRY, SPEED = (0.05, 0.15), 0.10, (0.1, 0.25)  # [m], [m], [m/s]
RELEASE = 0.3  # share of episodes in which it opens at the end
DIRECTIONS = 36  # in which widths are measured


class GraspMotion:
    """A palm and two fingers; the fingers close along the gripper's y axis."""

    def __init__(self, stage: Stage, rng: np.random.Generator, mass: Array) -> None:  # (O,) [kg]
        self._stage, self._rng, self._mass = stage, rng, mass
        box = "x".join(f"{side:g}" for side in FINGER)
        self.links = Links(
            ("palm", "left", "right"), ("box:" + "x".join(f"{s:g}" for s in PALM), f"box:{box}", f"box:{box}")
        )

    def first(self, state: State) -> Poses | None:
        """Over the thing that is taken; None if none fits between the fingers or has room beside it."""
        found = self._choose(state)
        if found is None:
            return None
        target, center, yaw, width, grip = found
        rng = self._rng
        self._wanted = max(LEAST_GRIP, float(rng.uniform(*GRIP) * self._mass[target] * GRAVITY))
        self._touching = width / 2
        self._fingers = np.full(2, width / 2 + ROOM)
        self._follower = Follower(np.array([*center, grip + ABOVE]), yaw)
        self._follower.waypoints = [Waypoint(np.array([*center, grip]), yaw, DESCENT)]
        self._phase, self._closing = "descend", 0.0
        lifted = np.array([*center, grip + rng.uniform(*RISE)])
        carried = lifted + np.array([*rng.uniform(-CARRY, CARRY, 2), 0.0])
        speed = float(rng.uniform(*SPEED))
        turned = yaw + float(rng.uniform(-0.8, 0.8))
        self._carry = [Waypoint(lifted, yaw, speed), Waypoint(carried, turned, speed)]
        self._release = bool(rng.random() < RELEASE)
        return self._poses()

    def next(self, state: State, touch: Array, dt: float) -> Poses:
        """A frame further: down, closing by what the fingers feel, up and away, and perhaps open again."""
        if self._phase == "descend" and self._follower.arrived:
            self._phase = "close"
        if self._phase == "close":
            force = np.linalg.norm(touch[1:], axis=1) / dt
            self._closing += dt
            if (force >= self._wanted).all() or self._closing > PATIENCE:
                self._phase, self._follower.waypoints = "carry", list(self._carry)
            else:
                near = self._fingers < self._touching + NEAR
                speed = np.where(near | (force > 0), SQUEEZING, CLOSING)
                self._fingers = np.maximum(self._fingers - speed * dt * (force < self._wanted), LEAST_GAP)
        elif self._phase == "carry" and self._follower.arrived and self._release:
            self._fingers = np.minimum(self._fingers + CLOSING * dt, OPENING / 2)
        elif self._phase == "carry":
            force = float(np.linalg.norm(touch[1:], axis=1).min()) / dt
            ease = EASE * ((force > 2 * self._wanted) - (0 < force < self._wanted / 2))
            self._fingers = np.maximum(self._fingers + ease * dt, LEAST_GAP)
        self._follower.advance(dt)
        return self._poses()

    def _poses(self) -> Poses:
        turned = matrix_from_quaternion(about_z(self._follower.yaw))
        places = [[0, 0, FINGER[2] - TIP + PALM[2] / 2]]
        for gap, side in zip(self._fingers, (1, -1), strict=True):
            places.append([0, side * (gap + FINGER[1] / 2), FINGER[2] / 2 - TIP])
        position = self._follower.position + np.array(places) @ turned.T
        return Poses(position, np.tile(about_z(self._follower.yaw), (3, 1)))

    def _choose(self, state: State) -> tuple[int, Array, float, float, float] | None:
        """Thing, middle of the grip, yaw, width, and height of the grip point."""
        stage = self._stage
        clouds = [corners_of(stage, state, i) for i in range(len(stage.bodies))]
        angles = np.linspace(0, np.pi, DIRECTIONS, endpoint=False)
        for target in self._rng.permutation(len(clouds)):
            cloud = clouds[target]
            level = stage.height_at(state.position[target][:2])
            height = float(cloud[:, 2].max()) - level
            across = cloud[:, :2] @ np.array([-np.sin(angles), np.cos(angles)])  # along the fingers' way
            widths = np.ptp(across, axis=0)
            k = int(widths.argmin())
            if widths[k] + 2 * ROOM > OPENING or height < LEAST_HEIGHT:
                continue
            side, along = (
                np.array([-np.sin(angles[k]), np.cos(angles[k])]),
                np.array([np.cos(angles[k]), np.sin(angles[k])]),
            )
            center = side * (across[:, k].min() + widths[k] / 2) + along * float(state.position[target][:2] @ along)
            grip = level + max(TIP + 0.003, height - FINGER[2] + TIP + 0.003, min(0.6 * height, height - TIP))
            reach = widths[k] / 2 + ROOM + FINGER[1]
            ends = [center + s * reach * side for s in (1, -1)]
            others = [cloud for i, cloud in enumerate(clouds) if i != target]
            if all(gap_to(other, end) > FINGER[0] for other in others for end in ends):
                return int(target), center, float(angles[k]), float(widths[k]), float(grip)
        return None
