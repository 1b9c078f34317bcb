"""A scene with a parallel gripper that flies freely: the MuJoCo model and the tasks Lift and Rearrange."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from scan2sim.errors import UsageError
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT, TOOL_PRIORITY, ContactTable
from scan2sim.sim.footprint import footprint_disc, object_corners, spreads_of, standing_alone, workspace
from scan2sim.sim.model import COLLISION_GROUP, mujoco_spec
from scan2sim.sim.tasks import Gripper, LiftTask, RearrangeTask, Table
from scan2sim.sim.tool import add_place_servo, add_servo, add_slide, let_rest_sleep, start_at_home

__all__ = ["GRIPPER", "GRIPPER_PARTS", "GripperParts", "add_gripper", "lift_task", "rearrange_task"]

GRIPPER = "gripper"
PALM = (0.04, 0.03)  # [m] width along x and height
PALM_MASS, FINGER_MASS = 0.5, 0.05  # [kg]
FLIGHT_GAIN, FLIGHT_FORCE = 100.0, 50.0  # [N s/m], [N]
TURN_GAIN, TURN_TORQUE = 0.5, 5.0  # [N m s/rad], [N m]
GRIP_STIFFNESS, GRIP_DAMPING, GRIP_FORCE = 800.0, 12.0, 15.0  # [N/m], [N s/m] critical for a finger's mass, [N]
FINGER_SPEED = 0.1  # [m/s] at most, as of common grippers
ABOVE_TABLE = 0.002  # [m] of the fingertips at the lowest
HEADROOM = 0.3  # [m] above the table
ROOM = 0.012  # [m] that the open fingers have beside what they take, both together
LEAST_HEIGHT = 0.015  # [m] of what can be taken
DIRECTIONS = 36  # in which widths are measured


@dataclass(frozen=True)
class GripperParts:
    """What the gripper is made of and driven by, for whoever builds it in another simulator."""

    palm: tuple[float, float] = PALM
    """Width along x and height [m]; along y it spans the open fingers."""
    palm_mass: float = PALM_MASS
    """[kg]"""
    finger_mass: float = FINGER_MASS
    """Each [kg]."""
    flight: tuple[float, float] = (FLIGHT_GAIN, FLIGHT_FORCE)
    """Velocity servos of x, y and z: [N s/m], at most [N]."""
    turn: tuple[float, float] = (TURN_GAIN, TURN_TORQUE)
    """Velocity servo of the yaw: [N m s/rad], at most [N m]."""
    grip: tuple[float, float, float] = (GRIP_STIFFNESS, GRIP_DAMPING, GRIP_FORCE)
    """Place servos of the fingers: [N/m], [N s/m], at most [N]."""
    drag: float = GRIP_FORCE / FINGER_SPEED
    """Against a finger's slide, so that its servo cannot move it faster than 0.1 m/s [N s/m]."""
    yaw: float = 4 * np.pi
    """The yaw ends there, either way [rad]."""


GRIPPER_PARTS = GripperParts()


def lift_task(scene: Scene, target: str | None = None) -> LiftTask:
    """The Lift task of a scene; without a name, the smallest free object that stands alone and fits the gripper.

    Raises:
        UsageError: there is no such object, or it does not fit the gripper.
    """
    obj = _graspable(scene, target)[0]
    return LiftTask(obj.name, _place(obj), _gripper(scene, [obj]), spreads_of(scene))


def rearrange_task(scene: Scene, count: int = 2, targets: Sequence[str] = ()) -> RearrangeTask:
    """The Rearrange task of a scene, for the ``count`` smallest free objects that stand alone and fit the gripper.

    With ``targets`` it is for these, in this order.

    Raises:
        UsageError: there is none, or one of the targets is not such an object; with fewer than ``count``, those are
            taken.
    """
    objects = [_graspable(scene, name)[0] for name in targets] or _graspable(scene, None)[:count]
    centre = np.mean([o.position for o in objects], axis=0)
    low, high = workspace(scene, centre)
    others = tuple(footprint_disc(o) for o in scene.objects if o not in objects)
    return RearrangeTask(
        targets=tuple(o.name for o in objects),
        homes=tuple(_place(o) for o in objects),
        radii=tuple(float(np.linalg.norm(object_corners(o)[:, :2] - o.position[:2], axis=1).max()) for o in objects),
        table=Table((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), others),
        gripper=_gripper(scene, objects),
        spreads=spreads_of(scene),
    )


def add_gripper(scene: Scene, task: LiftTask | RearrangeTask, contact: ContactTable = CONTACT) -> mujoco.MjSpec:
    """The scene's model with the gripper: joints ``gripper-x, -y, -z, -yaw`` and one slide for each finger.

    Servos of the same names move it: by velocity, the fingers by place.  Sensors of the fingers' names feel what
    presses on them.  It weighs nothing and does not touch the background.  What rests, sleeps.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: the scene has an object with a name of the gripper's.
    """
    taken = {GRIPPER, *task.sensors} & {o.name for o in scene.objects}
    if taken:
        raise UsageError(f"an object is called “{min(taken)}”", todo="rename it with scan2sim edit --rename")
    gripper, spec = task.gripper, mujoco_spec(scene, contact)
    palm = spec.worldbody.add_body(name=GRIPPER, gravcomp=1)
    for i, axis in enumerate("xyz"):
        add_slide(palm, f"{GRIPPER}-{axis}", np.eye(3)[i], (gripper.low[i], gripper.high[i]))
        add_servo(spec, f"{GRIPPER}-{axis}", speed=gripper.speed, gain=FLIGHT_GAIN, force=FLIGHT_FORCE)
    add_slide(palm, f"{GRIPPER}-yaw", np.eye(3)[2], (-4 * np.pi, 4 * np.pi), hinge=True)
    add_servo(spec, f"{GRIPPER}-yaw", speed=gripper.turn_speed, gain=TURN_GAIN, force=TURN_TORQUE)
    width, thickness, length = gripper.finger
    span = gripper.opening / 2 + thickness
    top = length - gripper.tip + PALM[1] / 2
    _add_box(spec, palm, GRIPPER, (PALM[0] / 2, span, PALM[1] / 2), (0, 0, top), PALM_MASS, contact)
    for name, side in zip(task.sensors, (1, -1), strict=True):
        finger = palm.add_body(name=name, gravcomp=1)
        add_slide(finger, name, np.array([0, side, 0]), (0.0, gripper.opening / 2), drag=GRIPPER_PARTS.drag)
        add_place_servo(
            spec,
            name,
            limits=(0.0, gripper.opening / 2),
            stiffness=GRIP_STIFFNESS,
            damping=GRIP_DAMPING,
            force=GRIP_FORCE,
        )
        half, at = (width / 2, thickness / 2, length / 2), (0, side * thickness / 2, length / 2 - gripper.tip)
        _add_box(spec, finger, name, half, at, FINGER_MASS, contact)
        pad = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": np.array(half) * 1.2, "pos": at}
        finger.add_site(name=name, group=COLLISION_GROUP, rgba=[0, 0, 0, 0], **pad)
        spec.add_sensor(name=name, type=mujoco.mjtSensor.mjSENS_TOUCH, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=name)
    for first, second in ((GRIPPER, "world"), *((name, "world") for name in task.sensors), task.sensors):
        spec.add_exclude(name=f"{first}-{second}", bodyname1=first, bodyname2=second)
    let_rest_sleep(spec)
    start_at_home(spec, task)
    return spec


def _add_box(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    half: tuple[float, float, float],  # [m]
    at: tuple[float, float, float],  # [m]
    mass: float,  # [kg]
    contact: ContactTable,
) -> None:
    geom = body.add_geom(
        spec.find_default("collision"),
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=half,
        pos=at,
        mass=mass,
        rgba=[0.3, 0.3, 0.35, 1],
    )
    geom.friction[0], geom.priority = contact.gripper_friction, TOOL_PRIORITY


def _gripper(scene: Scene, objects: list[SceneObject]) -> Gripper:
    """A gripper with the room that these objects need."""
    low, high = workspace(scene, np.mean([o.position for o in objects], axis=0))
    table = min(float(object_corners(o)[:, 2].min()) for o in objects)
    tip = Gripper.tip
    return Gripper(
        low=(float(low[0]), float(low[1]), table + tip + ABOVE_TABLE),
        high=(float(high[0]), float(high[1]), table + HEADROOM),
    )


def _graspable(scene: Scene, target: str | None) -> list[SceneObject]:
    """The objects that stand alone and fit between the open fingers, the smallest first."""
    widest = Gripper.opening - ROOM
    fitting = [o for o in standing_alone(scene, target) if _width(o) <= widest and _height(o) >= LEAST_HEIGHT]
    if not fitting:
        what = f"“{target}” is" if target else "nothing in this scene is"
        raise UsageError(
            f"{what} at most {widest * 100:.1f} cm wide and at least {LEAST_HEIGHT * 100:.1f} cm high, as the gripper "
            "needs",
            todo="check the scene's scale, or choose another task",
        )
    return fitting


def _width(obj: SceneObject) -> float:
    """The least horizontal width [m] of two parallel planes that hold the object."""
    angles = np.linspace(0, np.pi, DIRECTIONS, endpoint=False)
    along = object_corners(obj)[:, :2] @ np.array([np.cos(angles), np.sin(angles)])
    return float(np.ptp(along, axis=0).min())


def _height(obj: SceneObject) -> float:
    return float(np.ptp(object_corners(obj)[:, 2]))


def _place(obj: SceneObject) -> tuple[float, float, float]:
    return float(obj.position[0]), float(obj.position[1]), float(obj.position[2])
