"""Let many scenes come to rest quickly: what stands still sleeps and costs nothing."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import quaternion_angle, transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.model import collision_model
from scan2sim.sim.resting import place_free, push_apart, rest_on_support
from scan2sim.sim.settle import CALM, CREEP

__all__ = ["Rest", "Touch", "come_to_rest", "let_go"]

ASLEEP = 2e-4  # [m/s], or [rad/s] times the body's size, below which a thing may sleep: 0.4 mm in two seconds
ROUNDS = 3  # of letting go; what still moves in the first one may have come to rest in the second
CLOSE = 0.5  # share of the tolerance that is asked of what is called still, since asleep is not quite at rest
BLOCK = 16  # steps between two looks at whether everything sleeps


@dataclass(frozen=True)
class Touch:
    """Two bodies in contact, by the ids of their objects; 0 = the background."""

    lower: int
    upper: int
    upright: float  # vertical part of the contact's normal, 0..1
    depth: float  # [m] > 0 where they overlap


@dataclass(frozen=True)
class Rest:
    """A scene whose free objects came to rest, and how still they are then."""

    scene: Scene
    seconds: float  # that they were let go for
    drift: dict[str, float]  # [m] of each free object's centre of mass in that time
    turn: dict[str, float]  # [rad]
    touches: tuple[Touch, ...]  # where the scene has everything


def come_to_rest(
    scene: Scene,  # consistent
    seconds: float = 2.0,
    drift: float = 0.002,  # [m] that something still may drift in this time …
    turn: float = np.radians(2.0),  # [rad] … and turn
) -> Rest:
    """Push free objects out of each other, set each onto what it rests on, let all creep to rest, then let them go.

    Where something moves half as far as it may, all are let go again from where they came to, at most three times, the
    last time with nothing asleep; what does not stand still then is to be seen in the result.  Before that, islands
    that rest are put to sleep (MuJoCo's ``mjENBL_SLEEP``) at a speed that means a fifth of the tolerance, which makes
    two seconds of five things at rest cost 25 ms instead of 220.
    The scene that is returned is the one that the figures are of: its poses are those at the start of the last round.

    Raises:
        SceneError: MuJoCo refuses the scene.
    """
    model = collision_model(scene)
    start = rest_on_support(push_apart(scene, model), model)
    resting = _stepped(model, start, CREEP, CALM)
    for _ in range(ROUNDS - 1):
        rest, after = _let_go(model, resting, seconds)
        far = (*(d / drift for d in rest.drift.values()), *(t / turn for t in rest.turn.values()))
        if max(far, default=0.0) < CLOSE:
            return rest
        resting = after
    return _let_go(model, resting, seconds, sleep=False)[0]


def let_go(scene: Scene, seconds: float = 2.0) -> Rest:  # scene: consistent
    """How still the scene stands as it is.

    Raises:
        SceneError: MuJoCo refuses the scene.
    """
    return _let_go(collision_model(scene), scene, seconds)[0]


def _let_go(model: mujoco.MjModel, scene: Scene, seconds: float, sleep: bool = True) -> tuple[Rest, Scene]:
    """How still the scene stands, and the scene afterwards."""
    after = _stepped(model, scene, seconds, sleep=sleep)
    pairs = [(a, b) for a, b in zip(scene.objects, after.objects, strict=True) if a.mobility == "free"]
    drifts = {a.name: float(np.linalg.norm(_middle(a) - _middle(b))) for a, b in pairs}
    turns = {a.name: float(quaternion_angle(a.wxyz / np.linalg.norm(a.wxyz), b.wxyz)) for a, b in pairs}
    return Rest(scene, seconds, drifts, turns, _touches(model, scene)), after


def _stepped(model: mujoco.MjModel, scene: Scene, seconds: float, calm: float = 1.0, sleep: bool = True) -> Scene:
    """The scene after some time, or once all sleeps; speeds are multiplied by ``calm`` after each step."""
    _let_sleep(model, sleep)
    data = mujoco.MjData(model)
    place_free(scene, data)
    for step in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)
        if calm < 1:
            data.qvel *= calm
        if sleep and step % BLOCK == 0 and data.ntree_awake == 0:
            break
    objects = []
    for obj in scene.objects:
        if obj.mobility == "free":
            pose = data.joint(obj.name).qpos.copy()
            obj = replace(obj, position=pose[:3], wxyz=pose[3:] / np.linalg.norm(pose[3:]))
        objects.append(obj)
    return replace(scene, objects=tuple(objects))


def _let_sleep(model: mujoco.MjModel, sleep: bool) -> None:
    flag = int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    model.opt.enableflags = model.opt.enableflags | flag if sleep else model.opt.enableflags & ~flag
    model.opt.sleep_tolerance = ASLEEP


def _touches(model: mujoco.MjModel, scene: Scene) -> tuple[Touch, ...]:
    """Every contact between two bodies, in which what sleeps takes part too."""
    _let_sleep(model, False)
    data = mujoco.MjData(model)
    place_free(scene, data)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_collision(model, data)
    ids = {model.body(obj.name).id: obj.id for obj in scene.objects} | {0: 0}
    found = []
    for (a, b), frame, distance in zip(
        model.geom_bodyid[data.contact.geom], data.contact.frame, data.contact.dist, strict=True
    ):
        lower, upper = (a, b) if frame[2] > 0 else (b, a)  # the normal points from the first to the second
        found.append(Touch(ids[int(lower)], ids[int(upper)], abs(float(frame[2])), -float(distance)))
    return tuple(found)


def _middle(obj: SceneObject) -> NDArray[np.float64]:  # (3,) [m] centre of mass in the scene
    return transform_points(obj.world_from_object, obj.physical.center_of_mass[None])[0]
