"""A scene with a round pusher on two axes: the MuJoCo model and the task for Push."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from scan2sim.errors import UsageError
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT, TOOL_PRIORITY, ContactTable
from scan2sim.sim.footprint import (
    footprint_disc,
    footprint_rectangle,
    object_corners,
    spreads_of,
    standing_alone,
    workspace,
)
from scan2sim.sim.model import mujoco_spec
from scan2sim.sim.tasks import PushTask, Table
from scan2sim.sim.tool import add_servo, add_slide, let_rest_sleep, start_at_home

__all__ = ["PUSHER", "PUSHER_SERVO", "Servo", "add_pusher", "push_task"]

PUSHER = "pusher"
ABOVE_TABLE = 0.003  # [m]
LONG = 1.3  # length by width from which on a footprint has a heading
FLAT = 0.75  # height by width up to which a thing does not roll


@dataclass(frozen=True)
class Servo:
    """What drives the pusher along each axis."""

    mass: float = 0.5
    """Of the pusher [kg]."""
    gain: float = 100.0
    """Force per difference of velocities [N s/m]: it follows a velocity within 5 ms."""
    force: float = 30.0
    """At most [N]."""


PUSHER_SERVO = Servo()


def push_task(scene: Scene, target: str | None = None, *, heading: bool = False) -> PushTask:
    """The Push task of a scene; without a name, the smallest free object that stands alone on the main support.

    With ``heading`` it is the smallest of those that have one: a footprint at least 1.3 times as long as wide, and
    first those that lie flat, since what is as high as it is wide rolls away.

    Args:
        scene: the scene.
        target: the object to push.
        heading: whether it shall also be turned.

    Raises:
        UsageError: there is no such object, or nothing in the scene can be pushed or has a heading.
    """
    found = standing_alone(scene, target)
    if not found:
        raise UsageError("nothing in this scene can be pushed", todo="build a scene with a free object on its support")
    if heading and target is None:
        found = _with_heading(found)
    obj = found[0]
    corners, axis = object_corners(obj), footprint_rectangle(obj)[2]
    low, high = workspace(scene, obj.position)
    return PushTask(
        target=obj.name,
        home=(float(obj.position[0]), float(obj.position[1]), float(obj.position[2])),
        home_wxyz=(float(obj.wxyz[0]), float(obj.wxyz[1]), float(obj.wxyz[2]), float(obj.wxyz[3])),
        axis=(float(axis[0]), float(axis[1])),
        radius=float(np.linalg.norm(corners[:, :2] - obj.position[:2], axis=1).max()),
        table=Table(
            (float(low[0]), float(low[1])),
            (float(high[0]), float(high[1])),
            tuple(footprint_disc(o) for o in scene.objects if o.id != obj.id),
        ),
        spreads=spreads_of(scene),
        pusher_height=float(np.clip(np.ptp(corners[:, 2]), 0.02, 0.15)),
        pusher_bottom=float(corners[:, 2].min()) + ABOVE_TABLE,
        heading=heading,
    )


def _with_heading(found: list[SceneObject]) -> list[SceneObject]:
    """Those that are longer than wide, what lies flat first."""

    def rolls(obj: SceneObject) -> bool:
        return bool(np.ptp(object_corners(obj)[:, 2]) > FLAT * footprint_rectangle(obj)[1])

    sizes = {obj.id: footprint_rectangle(obj)[:2] for obj in found}
    long = [obj for obj in found if sizes[obj.id][0] >= LONG * sizes[obj.id][1]]
    if not long:
        raise UsageError("nothing that can be pushed here is longer than wide, so nothing has a heading")
    return sorted(long, key=rolls)


def add_pusher(scene: Scene, task: PushTask, contact: ContactTable = CONTACT) -> mujoco.MjSpec:
    """The scene's model with the pusher: slides ``pusher-x`` and ``pusher-y`` whose values are scene coordinates.

    Two velocity servos of the same names move it; it does not touch the background.  What rests, sleeps.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: the scene has an object called “pusher”.
    """
    if any(o.name == PUSHER for o in scene.objects):
        raise UsageError("an object is called “pusher”", todo="rename it with scan2sim edit --rename")
    spec = mujoco_spec(scene, contact)
    body = spec.worldbody.add_body(name=PUSHER, pos=[0, 0, task.pusher_bottom + task.pusher_height / 2])
    for i, axis in enumerate("xy"):
        add_slide(body, f"{PUSHER}-{axis}", np.eye(3)[i], (task.table.low[i], task.table.high[i]))
        add_servo(spec, f"{PUSHER}-{axis}", speed=task.speed, gain=PUSHER_SERVO.gain, force=PUSHER_SERVO.force)
    geom = body.add_geom(
        spec.find_default("collision"),
        name=PUSHER,
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[task.pusher_radius, task.pusher_height / 2, 0],
        mass=PUSHER_SERVO.mass,
        rgba=[0.9, 0.5, 0.1, 1],
    )
    geom.friction[0], geom.priority = contact.pusher_friction, TOOL_PRIORITY
    spec.add_exclude(name=f"{PUSHER}-background", bodyname1=PUSHER, bodyname2="world")
    let_rest_sleep(spec)
    start_at_home(spec, task)
    return spec
