"""A robot of MuJoCo Menagerie beside a scene's support."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.geometry import transform, transform_points
from scan2sim.scene import Scene
from scan2sim.sim.footprint import footprint_disc
from scan2sim.sim.model import mujoco_spec

__all__ = ["add_robot", "fetch_robot", "robot_place"]

Array = NDArray[np.float64]
BESIDE = 0.1  # [m] from the support's edge to the robot's base
ROOM = 0.15  # [m] between the base and what stands on the support
COMFORT = 0.6  # of its reach at which a robot works best
REACH = 0.8  # of the length of its links, past the first, that an arm reaches when it does not stretch out
DIRECTIONS = 72


def fetch_robot(name: str) -> Path:
    """The model of a robot alone, without floor or lights, from the package ``mujoco-menagerie``, which downloads it.

    Raises:
        UsageError: the package is not installed, knows no such robot, or cannot download it.
    """
    try:
        menagerie = import_module("mujoco_menagerie")
    except ModuleNotFoundError:
        raise UsageError("robots come from the package mujoco-menagerie", todo="pip install mujoco-menagerie") from None
    try:
        robot = menagerie.get(name)
        return Path(robot.xml(robot.default_model))
    except menagerie.UnknownRobotError as problem:
        todo = f"did you mean {problem.suggestions[0]}?" if problem.suggestions else "see: mujoco-menagerie names"
        raise UsageError(f"no robot is called “{name}”", todo=todo) from None
    except menagerie.MenagerieError as problem:
        todo = "download it where there is a network (mujoco-menagerie prefetch), or point MENAGERIE_ROOT to a checkout"
        raise UsageError(f"the robot {name} cannot be had: {problem}", todo=todo) from None


def add_robot(scene: Scene, model: Path) -> mujoco.MjSpec:
    """The scene's model with a robot at :func:`robot_place`, all its names with the prefix ``robot/``.

    Its meshes lie among the scene's assets.  Keyframe ``home`` has the robot in its own first keyframe, with the
    controls that hold it there.

    Raises:
        SceneError: the scene is not consistent.
        UsageError: MuJoCo cannot read the robot.
    """
    spec = mujoco_spec(scene)
    try:
        robot = mujoco.MjSpec.from_file(str(model))
        compiled = robot.compile()
    except ValueError as problem:
        raise UsageError(f"MuJoCo cannot read the robot: {problem}") from None
    joints = {compiled.joint(i).name: _home(compiled, compiled.jnt_qposadr, i) for i in range(compiled.njnt)}
    control = compiled.key_ctrl[0].copy() if compiled.nkey else np.zeros(compiled.nu)
    position, yaw = robot_place(scene, _reach(compiled))
    robot.assets = _assets(robot, model)
    spec.assets = {**spec.assets, **robot.assets}
    for key in [*robot.keys, *spec.keys]:
        (robot if key in robot.keys else spec).delete(key)
    robot.option, robot.modelname = spec.option, "robot"
    frame = spec.worldbody.add_frame(pos=position, quat=[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
    spec.attach(robot, prefix="robot/", frame=frame)
    whole = spec.compile()
    qpos = whole.qpos0.copy()
    for name, values in joints.items():
        start = whole.joint(f"robot/{name}").qposadr[0]
        qpos[start : start + len(values)] = values
    spec.add_key(name="home", qpos=qpos, ctrl=control)
    return spec


def robot_place(scene: Scene, reach: float) -> tuple[Array, float]:  # (3,) [m], [rad]
    """Where a robot's base stands, and where it faces: beside the support if it reaches the free things from there.

    On a support too wide for that it stands on it, with room to everything else.
    """
    free = [o for o in scene.objects if o.mobility == "free"] or list(scene.objects)
    centre = np.mean([o.position[:2] for o in free], axis=0) if free else np.zeros(2)
    discs = [footprint_disc(o) for o in scene.objects]
    outline = _outline(scene)
    level = float(scene.supports[0].position[2]) if scene.supports else 0.0
    best, chosen = np.inf, (centre + np.array([reach * COMFORT, 0.0]), np.pi)
    for angle in np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False):
        out = np.array([np.cos(angle), np.sin(angle)])
        edge = max(float(((outline - centre) @ out).max()), 0.0) + BESIDE if len(outline) else 0.0
        distance = edge if 0 < edge <= reach * REACH else reach * COMFORT
        place = centre + distance * out
        room = min((float(np.hypot(*(place - [x, y]))) - r for x, y, r in discs), default=np.inf)
        cost = abs(distance - reach * COMFORT) + 10 * max(ROOM - room, 0.0)
        if cost < best:
            best, chosen = cost, (place, angle + np.pi)
    return np.array([*chosen[0], level]), float(np.arctan2(np.sin(chosen[1]), np.cos(chosen[1])))


def _outline(scene: Scene) -> Array:  # (N, 2) [m]
    """Of the main support, seen from above."""
    if not scene.supports:
        return np.zeros((0, 2))
    support = scene.supports[0]
    corners = np.column_stack([support.polygon, np.zeros(len(support.polygon))])
    return transform_points(transform(support.position, support.wxyz), corners)[:, :2]


def _home(model: mujoco.MjModel, addresses: Array, joint: int) -> Array:
    size = {mujoco.mjtJoint.mjJNT_FREE: 7, mujoco.mjtJoint.mjJNT_BALL: 4}.get(model.jnt_type[joint], 1)
    qpos = model.key_qpos[0] if model.nkey else model.qpos0
    return qpos[addresses[joint] : addresses[joint] + size].copy()


def _reach(model: mujoco.MjModel) -> float:
    """How far [m] the longest chain of links past the first reaches."""
    far = np.zeros(model.nbody)
    for i in range(1, model.nbody):
        parent = model.body_parentid[i]
        above = model.body_parentid[parent]  # of what stands on the world only the first joint's height is left out
        far[i] = far[parent] + (float(np.linalg.norm(model.body_pos[i])) if parent and above else 0.0)
    return max(REACH * float(far.max()), 0.3)


def _assets(robot: mujoco.MjSpec, model: Path) -> dict[str, bytes]:
    """The robot's files, each under a name of its own, by which the robot now knows them; and its licence."""
    assets: dict[str, bytes] = {}
    for kind, folder, elements in (
        ("mesh", robot.meshdir, robot.meshes),
        ("texture", robot.texturedir, robot.textures),
    ):
        for number, element in enumerate(elements):
            if element.file:
                name = f"assets/robot-{kind}-{number}-{Path(element.file).name}"
                assets[name] = (model.parent / folder / element.file).read_bytes()
                element.file = name
    if (licence := model.parent / "LICENSE").is_file():
        assets["assets/robot-LICENSE"] = licence.read_bytes()
    robot.meshdir = robot.texturedir = ""
    return assets
