"""A task as a Gymnasium environment, from an MJCF file and a task description."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.scene import load_scene
from scan2sim.sim.gripper_model import lift_task
from scan2sim.sim.push_model import push_task
from scan2sim.sim.task_model import task_model
from scan2sim.sim.task_pixels import TaskCamera
from scan2sim.sim.task_world import TaskWorld, load_task_model, states_of
from scan2sim.sim.tasks import CONTROL_HZ, SUBSTEPS, LiftTask, PushTask, Task, TaskState, read_task

__all__ = ["Observed", "TaskEnv", "observed", "task_spaces", "what_happens"]

LIMIT = 20.0  # observations are clipped to ± this many metres, metres per second, …
Observed = Literal["state", "pixels"]
Array = NDArray[Any]


class TaskEnv(gymnasium.Env[Array, Array]):
    """One world in which Push, Lift or Rearrange happens; the task says what is seen and rewarded.

    An episode ends with success, or when an object falls off the table; Gymnasium's time limit truncates it.
    ``info`` has ``is_success`` and ``distance`` [m].

    Args:
        model: the MJCF file written by the Gymnasium export.
        task: the task description beside it.
        obs: ``state`` for the task's numbers, ``pixels`` for a picture of the splats (H, W, 3) in 0..255.
        scene: the scene folder that the splats come from, for pixels.
        randomize: whether each episode draws masses and frictions from the scene's intervals.
        substeps: steps of physics an action; 16 are the steps of 1/480 s of the scene at rest.
        target: Push and Lift: another thing of the scene than the task's own; the scene folder is needed.

    Raises:
        ExportError: a file is missing or damaged.
        SceneError: the scene folder is damaged.
        UsageError: pixels or another target are asked for without a scene, the target does not fit the task, or there
            is no step of physics.
    """

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": CONTROL_HZ}  # noqa: RUF012 (as Gymnasium declares it)

    def __init__(
        self,
        model: str | Path,
        task: str | Path,
        obs: Observed = "state",
        scene: str | Path | None = None,
        randomize: bool = True,
        substeps: int = SUBSTEPS,
        target: str | None = None,
    ) -> None:
        shared, self.task = what_happens(Path(model), Path(task), scene, target)
        self.randomize = randomize
        self.render_mode = None
        self.world = TaskWorld(shared, self.task, substeps)
        self._last = self._batch()
        self._camera = TaskCamera(self.task, scene, self.world) if obs == "pixels" else None
        self.observation_space, self.action_space = task_spaces(self.task, self._camera)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Put everything back, the objects turned and moved a little, and draw goals and physics."""
        super().reset(seed=seed)
        self.world.reset(self.np_random, randomize=self.randomize)
        state = self._last = self._batch()
        return self._observation(state), self._info(state)

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Drive the tool for 1/30 s."""
        before = self._last
        self.world.step(self.task.control(action))
        after = self._last = self._batch()
        ended = bool(self.task.success(after)[0] or self.task.failed(after)[0])
        reward = float(self.task.reward(before, after)[0])
        return self._observation(after), reward, ended, False, self._info(after)

    def state(self) -> TaskState:
        """The state as the task's functions take it, without a batch axis."""
        return TaskState(**{name: value[0] for name, value in vars(self._batch()).items()})

    def _observation(self, state: TaskState) -> Array:
        return observed(self.task, state, [self.world], self._camera)[0]

    def _batch(self) -> TaskState:
        return states_of(self.task, [self.world.row()])

    def _info(self, state: TaskState) -> dict[str, Any]:
        return {"is_success": bool(self.task.success(state)[0]), "distance": float(self.task.distance(state)[0])}


def what_happens(model: Path, task: Path, scene: str | Path | None, target: str | None) -> tuple[mujoco.MjModel, Task]:
    """The model and the task of an environment; for another target both are made from the scene.

    Raises:
        ExportError: a file is missing or damaged.
        SceneError: the scene folder is damaged.
        UsageError: there is no scene to take another target from, or it does not fit the task.
    """
    given = read_task(task)
    if target is None or given.objects == (target,):
        return load_task_model(model), given
    if scene is None:
        raise UsageError("another target needs the scene", todo="give the scene folder, or leave the target out")
    whole = load_scene(Path(scene))
    if isinstance(given, PushTask):
        other = push_task(whole, target, heading=given.heading)
    elif isinstance(given, LiftTask):
        other = lift_task(whole, target)
    else:
        raise UsageError(f"the task {given.kind} has more than one target", todo="leave the target out")
    return task_model(whole, other), other


def task_spaces(task: Task, camera: TaskCamera | None) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Box]:
    """Observations and actions of one environment."""
    actions = gymnasium.spaces.Box(-1.0, 1.0, (task.action_size,), np.float32)
    if camera is not None:
        return gymnasium.spaces.Box(0, 255, camera.shape, np.uint8), actions
    return gymnasium.spaces.Box(-LIMIT, LIMIT, (task.observation_size,), np.float32), actions


def observed(task: Task, state: TaskState, worlds: Sequence[TaskWorld], camera: TaskCamera | None) -> Array:  # (B, …)
    """What policies see of a batch of worlds and their states."""
    if camera is not None:
        return camera.pictures(state, worlds)
    return np.clip(task.observation(state), -LIMIT, LIMIT).astype(np.float32)
