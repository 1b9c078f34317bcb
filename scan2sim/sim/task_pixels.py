"""What a camera sees of a task: the scene's splats where the objects are now, the tool, and the goal.

The splats are held once; a batch of states is a batch of poses (`scan2sim.splats.rasterize`).  Things that stand where
they fall asleep when an episode begins are drawn once for all worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import UsageError
from scan2sim.geometry import look_at
from scan2sim.scene import Scene, load_scene
from scan2sim.sim.task_world import TaskWorld
from scan2sim.sim.tasks import LiftTask, PushTask, RearrangeTask, Task, TaskState
from scan2sim.splats import SH_C0, Gaussians, concatenate, in_sight, rasterize, rotate_gaussians

__all__ = ["TaskCamera", "task_camera"]

SIDE = 64  # [pixels]
HALF_ANGLE = np.radians(25)  # of the view
DEFAULT_VIEW = np.array([0.35, -0.8, 0.75])  # from the goal towards the camera, of a scene without cameras
LOWEST = np.radians(40)  # of the camera above the table, so that things do not hide each other
PUSHER_COLOR, GOAL_COLOR = (0.9, 0.4, 0.05), (0.9, 0.1, 0.8)
GOAL_HEIGHT = 0.002  # [m] over the lower end of the pusher
RINGS, AROUND = 4, 12  # Gaussians of the pusher's side
HIDDEN = 1e-3  # splats this little opaque are left out
UNMOVED = 1e-4, 1e-3  # [m] and [rad], 1/50 of a pixel of some 5 mm
SETS_KEPT = 8  # of splats, for things that stand where they stood


class TaskCamera:
    """Pictures of 64×64 pixels of Push: splats, the pusher as an orange cylinder, the goal as a magenta disc.

    The camera stands where the capture's middle camera looks from, but at least 40° above the table, and sees the
    target's home and everywhere a goal can be.

    Raises:
        SceneError: the scene folder is damaged.
        UsageError: there is no scene, or the task is not Push.
    """

    def __init__(self, task: Task, scene: str | Path | None, world: TaskWorld) -> None:
        if scene is None or not isinstance(task, PushTask):
            raise UsageError("pictures are offered of Push with its scene folder", todo="make it with obs='state'")
        loaded = load_scene(Path(scene))
        self.task = task
        self.camera = task_camera(loaded, task)
        self.shape = (SIDE, SIDE, 3)
        self._names = [obj.name for obj in loaded.objects]
        self._homes = world.homes(self._names)
        parts = [loaded.background, *(obj.gaussians for obj in loaded.objects), _pusher(task), _goal(task)]
        self._parts = [part[part.opacities > HIDDEN] for part in parts]
        self._sets: dict[tuple[bool, ...], Gaussians] = {}

    def pictures(self, state: TaskState, worlds: Sequence[TaskWorld]) -> NDArray[np.uint8]:  # (B, 64, 64, 3)
        """What is seen in each world."""
        poses = np.tile(np.eye(4), (len(worlds), len(self._names) + 3, 1, 1))
        poses[:, 1:-2] = [world.poses(self._names) for world in worlds]
        poses[:, -2, :2, 3] = state.tool
        poses[:, -1, :2, 3] = state.goal[..., 0, :2]
        apart = np.abs(poses[:, 1:-2] - self._homes)
        moved = (apart[..., :3, 3].max(2) > UNMOVED[0]) | (apart[..., :3, :3].max((2, 3)) > UNMOVED[1])
        kinds, kind_of = np.unique(moved, axis=0, return_inverse=True)
        pictures = np.empty((len(worlds), *self.shape), np.uint8)
        for k, kind in enumerate(kinds.tolist()):
            mine = np.flatnonzero(kind_of.ravel() == k)
            cameras, placed = [self.camera] * len(mine), torch.from_numpy(poses[mine])
            with torch.no_grad():
                seen = rasterize(self._splats(tuple(kind)), cameras, poses=placed, projected=False)
            pictures[mine] = (seen.colors.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
        return pictures

    def _splats(self, moved: tuple[bool, ...]) -> Gaussians:
        """All splats, those of the things that have not moved in the scene's frame with id 0."""
        if moved not in self._sets:
            if len(self._sets) >= SETS_KEPT:
                self._sets.pop(next(iter(self._sets)))
            still, moving = [self._parts[0]], []
            for i, part in enumerate(self._parts[1:], start=1):
                if i <= len(moved) and not moved[i - 1]:
                    still.append(rotate_gaussians(part, self._homes[i - 1]))
                else:
                    moving.append(part.with_ids(_ids(len(part), i)))
            seen = in_sight(concatenate([part.with_ids(None) for part in still]), self.camera)
            self._sets[moved] = concatenate([seen.with_ids(_ids(len(seen), 0)), *moving])
        return self._sets[moved]


def task_camera(scene: Scene, task: PushTask | LiftTask | RearrangeTask) -> Camera:
    """Where a task's pictures are taken from: the direction of the capture's middle camera, at least 40° above the
    table, so far away that the objects' homes and everywhere a goal can be are seen.
    """
    target, reach = _sight(task)
    middle = scene.cameras[len(scene.cameras) // 2].camera if scene.cameras else None
    away = DEFAULT_VIEW if middle is None else middle.position - target
    flat = away[:2] / max(float(np.linalg.norm(away[:2])), 1e-9)
    height = max(float(np.arctan2(away[2], np.linalg.norm(away[:2]))), LOWEST)
    direction = np.array([*(flat * np.cos(height)), np.sin(height)])
    distance = reach / np.tan(HALF_ANGLE)
    focal = SIDE / 2 / np.tan(HALF_ANGLE)
    return Camera(
        Intrinsics(SIDE, SIDE, focal, focal, SIDE / 2, SIDE / 2), look_at(target + distance * direction, target)
    )


def _sight(task: PushTask | LiftTask | RearrangeTask) -> tuple[NDArray[np.float64], float]:  # (3,) [m], [m]
    """What a task's camera looks at, and how far it sees from there."""
    if isinstance(task, PushTask):
        return np.array(task.home), task.goal_distance[1] + 2 * task.radius
    if isinstance(task, LiftTask):
        return np.array(task.home) + np.array(
            [0, 0, task.height / 2]
        ), task.height / 2 + task.shift + 2 * task.gripper.opening
    homes = np.array(task.homes)
    centre = homes.mean(0)
    spread = np.linalg.norm(homes - centre, axis=1).max()
    return centre, float(spread) + task.goal_distance[1] + 2 * max(task.radii)


def _pusher(task: PushTask) -> Gaussians:
    """A cylinder whose axis stands at x = y = 0, at its height in the scene."""
    angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    heights = task.pusher_bottom + task.pusher_height * (np.arange(RINGS) + 0.5) / RINGS
    ring = 0.7 * task.pusher_radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    size = task.pusher_radius / 5
    side = [np.column_stack([ring, np.full(AROUND, z)]) for z in heights]
    return _painted(np.vstack(side), (size, size, size), PUSHER_COLOR)


def _goal(task: PushTask) -> Gaussians:
    """A disc of the size of the success distance on the table."""
    angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    ring = task.success_distance * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    flat = np.vstack([np.zeros((1, 2)), 0.45 * ring, 0.85 * ring])
    size = task.success_distance / 4
    points = np.column_stack([flat, np.full(len(flat), task.pusher_bottom + GOAL_HEIGHT)])
    return _painted(points, (size, size, size / 10), GOAL_COLOR)


def _painted(
    points: NDArray[np.float64],  # (N, 3) [m]
    sizes: tuple[float, float, float],  # [m]
    color: tuple[float, float, float],
) -> Gaussians:
    count = len(points)
    return Gaussians(
        means=torch.tensor(points, dtype=torch.float32),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        log_scales=torch.tensor(sizes).log().repeat(count, 1),
        opacity_logits=torch.full((count,), 3.0),
        sh=((torch.tensor(color) - 0.5) / SH_C0).repeat(count, 1, 1),
    )


def _ids(count: int, value: int) -> torch.Tensor:  # (count,) int32
    return torch.full((count,), value, dtype=torch.int32)
