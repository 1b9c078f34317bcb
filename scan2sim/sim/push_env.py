"""Push as a Gymnasium environment, from an MJCF file and a task description."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from scan2sim.errors import ExportError
from scan2sim.files import read_json
from scan2sim.geometry import quaternion_multiply
from scan2sim.sim.push_model import PUSHER
from scan2sim.sim.tasks import CONTROL_HZ, PushState, PushTask

__all__ = ["PushEnv", "read_push_task", "write_push_task"]

LIMIT = 20.0  # observations are clipped to ± this many metres, metres per second, …


class PushEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A round pusher moves one object of a scene to a goal; see :class:`PushTask` for what is seen and rewarded.

    An episode ends with success, or when the object falls off the table; Gymnasium's time limit truncates it.

    Args:
        model: the MJCF file written by the Gymnasium export.
        task: the task description beside it.

    Raises:
        ExportError: a file is missing or damaged.
    """

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": CONTROL_HZ}  # noqa: RUF012 (as Gymnasium declares it)

    def __init__(self, model: str | Path, task: str | Path) -> None:
        self.task = read_push_task(Path(task))
        self.model = _load(Path(model))
        self.data = mujoco.MjData(self.model)
        self.render_mode = None
        try:
            self._slides = [self.model.joint(f"{PUSHER}-{axis}") for axis in "xy"]
            self._target = self.model.joint(self.task.target)
            self._body = self.model.body(self.task.target).id
        except KeyError as problem:
            raise ExportError(f"the model does not fit the task: {problem}", path=str(model)) from None
        self._substeps = max(1, round(1 / CONTROL_HZ / self.model.opt.timestep))
        self._goal = np.zeros(2)
        size = self.task.observation_size
        self.observation_space = gymnasium.spaces.Box(-LIMIT, LIMIT, (size,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put everything back, the target turned and moved a little, and draw a goal."""
        super().reset(seed=seed)
        start = self.task.sample_reset(self.np_random)
        mujoco.mj_resetDataKeyframe(self.model, self.data, self.model.key("home").id)
        at = self._target.qposadr[0]
        turn = np.array([np.cos(start.yaw / 2), 0, 0, np.sin(start.yaw / 2)])
        self.data.qpos[at : at + 2] += start.shift
        self.data.qpos[at + 3 : at + 7] = quaternion_multiply(turn, self.data.qpos[at + 3 : at + 7])
        for slide, value in zip(self._slides, start.pusher, strict=True):
            self.data.qpos[slide.qposadr[0]] = value
        self._goal = start.goal
        mujoco.mj_forward(self.model, self.data)
        state = self.state()
        return self._observation(state), self._info(state)

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Drive the pusher for 1/30 s."""
        before = self.state()
        self.data.ctrl[:] = self.task.pusher_velocity(np.asarray(action, dtype=np.float64))
        mujoco.mj_step(self.model, self.data, self._substeps)
        after = self.state()
        ended = bool(self.task.success(after) or self.task.fell(after))
        return self._observation(after), float(self.task.reward(before, after)), ended, False, self._info(after)

    def state(self) -> PushState:
        """The state as the task's functions take it."""
        data, at, dof = self.data, self._target.qposadr[0], self._target.dofadr[0]
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, data.qpos[at + 3 : at + 7])
        return PushState(
            pusher=np.array([data.qpos[slide.qposadr[0]] for slide in self._slides]),
            pusher_velocity=np.array([data.qvel[slide.dofadr[0]] for slide in self._slides]),
            position=data.qpos[at : at + 3].copy(),
            wxyz=data.qpos[at + 3 : at + 7].copy(),
            velocity=data.qvel[dof : dof + 3].copy(),
            spin=rotation.reshape(3, 3) @ data.qvel[dof + 3 : dof + 6],
            goal=self._goal.copy(),
        )

    def _observation(self, state: PushState) -> NDArray[np.float32]:
        return np.clip(self.task.observation(state), -LIMIT, LIMIT).astype(np.float32)

    def _info(self, state: PushState) -> dict[str, Any]:
        return {"success": bool(self.task.success(state)), "distance": float(self.task.distance(state))}


def write_push_task(task: PushTask) -> dict[str, Any]:
    """The task as JSON data."""
    return {"format": "scan2sim.push", "version": 1, **asdict(task)}


def read_push_task(path: Path) -> PushTask:
    """Read a task description.

    Raises:
        ExportError: it is missing, damaged, or not a Push task.
    """
    data = read_json(path, ExportError)
    if not isinstance(data, dict) or data.get("format") != "scan2sim.push" or data.get("version") != 1:
        raise ExportError("not a Push task description of version 1", path=path, todo="export the scene again")
    try:
        return TypeAdapter(PushTask).validate_python({f.name: data[f.name] for f in fields(PushTask)})
    except KeyError as problem:
        raise ExportError(f"the task lacks {problem}", path=path, todo="export the scene again") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ExportError(f"the task is wrong ({what})", path=path, todo="export the scene again") from None


def _load(path: Path) -> mujoco.MjModel:
    if not path.is_file():
        raise ExportError("no such model", path=path, todo="export the scene again")
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as problem:
        raise ExportError(f"MuJoCo cannot read the model: {problem}", path=path) from None
