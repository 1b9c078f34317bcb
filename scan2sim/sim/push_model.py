"""A scene with a round pusher on two axes: the MuJoCo model and the task for Push."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco
import numpy as np

from scan2sim.errors import UsageError
from scan2sim.geometry import transform, transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT, ContactTable
from scan2sim.sim.model import mujoco_spec
from scan2sim.sim.tasks import PushTask

__all__ = ["PUSHER", "add_pusher", "push_task"]

PUSHER = "pusher"
PUSHER_MASS = 0.5  # [kg]
SERVO_GAIN = 100.0  # [N s/m]: it follows a velocity within 5 ms
SERVO_FORCE = 30.0  # [N]
ABOVE_TABLE = 0.003  # [m]
REACH = 0.3  # [m] the workspace is at most this far from the target on each side


def push_task(scene: Scene, target: str | None = None) -> PushTask:
    """The Push task of a scene; without a name, the smallest free object that stands alone on the main support.

    Raises:
        UsageError: there is no such object, or nothing in the scene can be pushed.
    """
    obj = _target(scene, target)
    footprint = _points(obj)
    radius = float(np.linalg.norm(footprint[:, :2] - obj.position[:2], axis=1).max())
    table = float(footprint[:, 2].min())
    low, high = _workspace(scene, obj)
    others = [o for o in scene.objects if o.id != obj.id]
    return PushTask(
        target=obj.name,
        home=(float(obj.position[0]), float(obj.position[1]), float(obj.position[2])),
        radius=radius,
        low=(float(low[0]), float(low[1])),
        high=(float(high[0]), float(high[1])),
        obstacles=tuple(_disc(o) for o in others),
        pusher_height=float(np.clip(np.ptp(footprint[:, 2]), 0.02, 0.15)),
        pusher_bottom=table + ABOVE_TABLE,
    )


def add_pusher(scene: Scene, task: PushTask, contact: ContactTable = CONTACT) -> mujoco.MjSpec:
    """The scene's model with the pusher: slides ``pusher-x`` and ``pusher-y`` whose values are scene coordinates.

    Two velocity servos of the same names move it; it does not touch the background.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: the scene has an object called “pusher”.
    """
    if any(o.name == PUSHER for o in scene.objects):
        raise UsageError("an object is called “pusher”", todo="rename it with scan2sim edit --rename")
    spec = mujoco_spec(scene, contact)
    body = spec.worldbody.add_body(name=PUSHER, pos=[0, 0, task.pusher_bottom + task.pusher_height / 2])
    for i, axis in enumerate("xy"):
        name = f"{PUSHER}-{axis}"
        body.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=np.eye(3)[i],
            range=[task.low[i], task.high[i]],
            limited=mujoco.mjtLimited.mjLIMITED_TRUE,
        )
        servo = spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            ctrlrange=[-task.speed, task.speed],
            forcerange=[-SERVO_FORCE, SERVO_FORCE],
        )
        servo.gainprm[0], servo.biasprm[2] = SERVO_GAIN, -SERVO_GAIN
    geom = body.add_geom(
        spec.find_default("collision"),
        name=PUSHER,
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[task.pusher_radius, task.pusher_height / 2, 0],
        mass=PUSHER_MASS,
        rgba=[0.9, 0.5, 0.1, 1],
    )
    geom.friction[0], geom.priority = contact.pusher_friction, 2
    spec.add_exclude(name=f"{PUSHER}-background", bodyname1=PUSHER, bodyname2="world")
    _home_with_pusher(spec, task)
    return spec


def _home_with_pusher(spec: mujoco.MjSpec, task: PushTask) -> None:
    """The keyframe gets the pusher beside the target, where a reset can leave it."""
    model = spec.compile()
    start = task.sample_reset(np.random.default_rng(0)).pusher
    qpos = model.qpos0.copy()
    for i, axis in enumerate("xy"):
        qpos[model.joint(f"{PUSHER}-{axis}").qposadr[0]] = start[i]
    spec.key("home").qpos = qpos


def _target(scene: Scene, name: str | None) -> SceneObject:
    free = [o for o in scene.objects if o.mobility == "free"]
    names = ", ".join(o.name for o in free) or "none"
    if name is not None:
        chosen = [o for o in free if o.name == name]
        if not chosen:
            raise UsageError(f"no movable object “{name}” in this scene", todo=f"choose one of: {names}")
        return chosen[0]
    carrying = {o.rests_on.id for o in scene.objects if o.rests_on}
    alone = [o for o in free if o.id not in carrying and (o.rests_on is None or o.rests_on.id == 0)]
    if not alone:
        raise UsageError("nothing in this scene can be pushed", todo="build a scene with a free object on its support")
    return min(alone, key=lambda o: (_disc(o)[2], o.id))


def _points(obj: SceneObject) -> np.ndarray:  # (N, 3) scene frame
    return transform_points(obj.world_from_object, np.vstack([piece.vertices for piece in obj.collision]))


def _disc(obj: SceneObject) -> tuple[float, float, float]:
    """Centre and radius of a circle that holds the footprint."""
    low, high = _points(obj)[:, :2].min(0), _points(obj)[:, :2].max(0)
    centre = (low + high) / 2
    return float(centre[0]), float(centre[1]), float(np.linalg.norm(_points(obj)[:, :2] - centre, axis=1).max())


def _workspace(scene: Scene, obj: SceneObject) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of the support under the object, at most 30 cm from it on each side."""
    low, high = obj.position[:2] - REACH, obj.position[:2] + REACH
    for support in scene.supports:
        if support.object is None:
            corners = np.column_stack([support.polygon, np.zeros(len(support.polygon))])
            flat = transform_points(transform(support.position, support.wxyz), corners)[:, :2]
            if (flat.min(0) <= obj.position[:2]).all() and (obj.position[:2] <= flat.max(0)).all():
                return np.maximum(low, flat.min(0)), np.minimum(high, flat.max(0))
    return low, high
