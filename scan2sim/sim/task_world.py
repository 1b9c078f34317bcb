"""One MuJoCo world in which a task happens: reset it, step it, read its state."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import ExportError, UsageError
from scan2sim.geometry import matrix_from_quaternion, quaternion_multiply
from scan2sim.sim.model import VISUAL_GROUP
from scan2sim.sim.tasks import CONTROL_HZ, SUBSTEPS, Start, Task, TaskState

__all__ = ["TaskWorld", "load_task_model", "states_of", "without_what_is_seen"]


class TaskWorld:
    """A model of its own, whose masses and frictions episodes may draw, and its data.

    Args:
        model: as :func:`load_task_model` loads it; it is copied.
        task: what happens in it.
        substeps: steps of physics an action; the model's own step is not used.

    Raises:
        ExportError: the model lacks joints or sensors of the task.
        UsageError: ``substeps`` is less than one.
    """

    def __init__(self, model: mujoco.MjModel, task: Task, substeps: int = SUBSTEPS) -> None:
        if substeps < 1:
            raise UsageError(f"an action needs at least one step of physics, not {substeps}")
        self.task, self.model, self.substeps = task, copy.copy(model), substeps
        self.model.opt.timestep = 1 / (CONTROL_HZ * substeps)
        self.data = mujoco.MjData(self.model)
        self.goal = np.zeros((len(task.objects), 3))
        try:
            self._home = model.key("home").id
            tool = [model.joint(name) for name in task.tool_joints]
            free = [model.joint(name) for name in task.objects]
            self._ctrl = np.array([model.actuator(name).id for name in task.tool_joints])
            self._sensors = np.array([model.sensor(name).adr[0] for name in task.sensors], dtype=int)
            self._bodies = [model.body(spread.name).id for spread in task.spreads]
        except KeyError as problem:
            raise ExportError(f"the model does not fit the task: {problem}", todo="export the scene again") from None
        self._tool = np.array([joint.qposadr[0] for joint in tool])
        self._tool_dof = np.array([joint.dofadr[0] for joint in tool])
        self._free = np.array([joint.qposadr[0] for joint in free])[:, None] + np.arange(7)
        self._free_dof = np.array([joint.dofadr[0] for joint in free])[:, None] + np.arange(6)
        self._mass, self._inertia = model.body_mass.copy(), model.body_inertia.copy()

    def reset(self, rng: np.random.Generator, *, randomize: bool) -> None:
        """Everything back in its place but for what the task draws; then masses and frictions if ``randomize``."""
        start = self.task.sample_start(rng)
        if randomize:
            self._draw_physics(rng)
        self.place(start)

    def place(self, start: Start) -> None:
        """Start an episode."""
        mujoco.mj_resetDataKeyframe(self.model, self.data, self._home)
        qpos = self.data.qpos
        for at, shift, yaw in zip(self._free, start.shift, start.yaw, strict=True):
            turn = np.array([np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
            qpos[at[:2]] += shift
            qpos[at[3:]] = quaternion_multiply(turn, qpos[at[3:]])
        qpos[self._tool] = start.tool
        self.goal = start.goal
        mujoco.mj_forward(self.model, self.data)

    def step(self, control: NDArray[np.float64]) -> None:
        """Drive the tool for 1/30 s; releases Python's lock."""
        self.data.ctrl[self._ctrl] = control
        mujoco.mj_step(self.model, self.data, self.substeps)

    def row(self) -> NDArray[np.float64]:
        """The state as one row of numbers, which :func:`states_of` understands."""
        data = self.data
        parts = (data.qpos[self._tool], data.qvel[self._tool_dof], data.sensordata[self._sensors])
        return np.concatenate(
            [*parts, data.qpos[self._free].ravel(), data.qvel[self._free_dof].ravel(), self.goal.ravel()]
        )

    def poses(self, names: Sequence[str]) -> NDArray[np.float64]:  # (N, 4, 4)
        """``world_from_object`` of objects."""
        return _poses(self.data, names)

    def homes(self, names: Sequence[str]) -> NDArray[np.float64]:  # (N, 4, 4)
        """``world_from_object`` of objects where they fall asleep: after one action that does nothing."""
        data = mujoco.MjData(self.model)
        mujoco.mj_resetDataKeyframe(self.model, data, self._home)
        mujoco.mj_step(self.model, data, self.substeps)
        return _poses(data, names)

    def _draw_physics(self, rng: np.random.Generator) -> None:
        model = self.model
        for spread, body in zip(self.task.spreads, self._bodies, strict=True):
            mass, friction = spread.draw(rng)
            model.body_mass[body] = mass
            model.body_inertia[body] = self._inertia[body] * (mass / self._mass[body])
            first = model.body_geomadr[body]
            model.geom_friction[first : first + model.body_geomnum[body], 0] = friction
        mujoco.mj_setConst(model, self.data)


def _poses(data: mujoco.MjData, names: Sequence[str]) -> NDArray[np.float64]:  # (N, 4, 4)
    poses = np.tile(np.eye(4), (len(names), 1, 1))
    for pose, name in zip(poses, names, strict=True):
        body = data.body(name)
        pose[:3, :3], pose[:3, 3] = body.xmat.reshape(3, 3), body.xpos
    return poses


def states_of(task: Task, rows: Sequence[NDArray[np.float64]]) -> TaskState:
    """States of several worlds as one batch."""
    tool, touch, count = len(task.tool_joints), len(task.sensors), len(task.objects)
    table = np.asarray(rows)
    ends = np.cumsum([tool, tool, touch, 7 * count, 6 * count])
    places, speeds, pressure, poses, motions, goals = np.split(table, ends, axis=1)
    poses, motions = poses.reshape(-1, count, 7), motions.reshape(-1, count, 6)
    wxyz = poses[..., 3:]
    return TaskState(
        tool=places,
        tool_velocity=speeds,
        position=poses[..., :3],
        wxyz=wxyz,
        velocity=motions[..., :3],
        spin=np.einsum("boij,boj->boi", matrix_from_quaternion(wxyz), motions[..., 3:]),
        touch=pressure,
        goal=goals.reshape(-1, count, 3),
    )


def load_task_model(path: Path) -> mujoco.MjModel:
    """Read a model without what is only to be seen, so that worlds are small.

    Raises:
        ExportError: it is missing or MuJoCo cannot read it.
    """
    if not path.is_file():
        raise ExportError("no such model", path=path, todo="export the scene again")
    try:
        return without_what_is_seen(mujoco.MjSpec.from_file(str(path))).compile()
    except ValueError as problem:
        raise ExportError(f"MuJoCo cannot read the model: {problem}", path=path) from None


def without_what_is_seen(spec: mujoco.MjSpec) -> mujoco.MjSpec:
    """The same model, from which the geoms that are only to be seen are taken, and their meshes."""
    shown = [geom for geom in spec.geoms if geom.group == VISUAL_GROUP]
    used = {geom.meshname for geom in spec.geoms if geom.group != VISUAL_GROUP}
    for element in (*shown, *(mesh for mesh in spec.meshes if mesh.name not in used)):
        spec.delete(element)
    return spec
