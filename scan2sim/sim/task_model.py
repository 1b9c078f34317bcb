"""A scene and a task become one model: the scene with the task's tool in it."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco

from scan2sim.scene import Scene
from scan2sim.sim.contact import CONTACT, ContactTable
from scan2sim.sim.gripper_model import add_gripper
from scan2sim.sim.push_model import add_pusher
from scan2sim.sim.task_world import without_what_is_seen
from scan2sim.sim.tasks import LiftTask, PushTask, RearrangeTask

__all__ = ["task_model", "task_spec"]


def task_spec(
    scene: Scene, task: PushTask | LiftTask | RearrangeTask, contact: ContactTable = CONTACT
) -> mujoco.MjSpec:
    """The scene's model with the tool that the task wants.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: the scene has an object with a name of the tool's.
    """
    return add_pusher(scene, task, contact) if isinstance(task, PushTask) else add_gripper(scene, task, contact)


def task_model(scene: Scene, task: PushTask | LiftTask | RearrangeTask) -> mujoco.MjModel:
    """The same, compiled for :class:`scan2sim.sim.TaskWorld`: nothing in it is only to be seen.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: the scene has an object with a name of the tool's.
    """
    return without_what_is_seen(task_spec(scene, task)).compile()
