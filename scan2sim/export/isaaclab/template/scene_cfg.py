"""The scanned scene for Isaac Lab, and its cousins: from ``data/*.json`` and the stages in ``data/assets``.

One stage holds all that an environment has: background, objects and the task's tool.  There is one for the scene, the
twin, and one for each cousin; environments take them in turns.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import isaaclab.sim as sim_utils
from isaaclab.actuators import ImplicitActuatorCfg
from isaaclab.assets import ArticulationCfg, AssetBaseCfg, RigidObjectCfg
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.sensors import CameraCfg, ContactSensorCfg
from isaaclab.utils import configclass
from isaaclab_tasks.utils.presets import MultiBackendRendererCfg

__all__ = [
    "CAMERA",
    "DATA",
    "FINGERS",
    "FRANKA",
    "RAYS",
    "SCENE",
    "TASKS",
    "TOOL",
    "VARIANTS",
    "ScanSceneCfg",
    "camera_cfg",
    "fill_scene",
    "identifier_of",
    "task_of_kind",
    "variants_of",
]

DATA = Path(__file__).parent / "data"
SCENE: dict[str, Any] = json.loads((DATA / "scene.json").read_text())
TASKS: dict[str, Any] = json.loads((DATA / "tasks.json").read_text())
VARIANTS: dict[str, Any] = json.loads((DATA / "variants.json").read_text())
SCAN, TOOL, CAMERA = "scan", "tool", "camera"  # entities of the scene
ROOT = f"{{ENV_REGEX_NS}}/{SCAN}"
RAYS = 2  # along each side of a pixel of a picture
FINGERS = ["gripper_left", "gripper_right"]  # links, joints and sensors alike
FRANKA = "{ENV_REGEX_NS}/franka"
_LINKS = "/".join(f"panda_link{i}" for i in range(8))  # as they are nested in Isaac Lab's asset
FRANKA_FINGERS = [f"{FRANKA}/Geometry/{_LINKS}/panda_hand/panda_{side}finger" for side in ("left", "right")]


def identifier_of(name: str) -> str:
    """What an object is called in the stage."""
    return next(data["identifier"] for data in SCENE["objects"] if data["name"] == name)


def variants_of(task: str) -> list[str]:
    """The scenes in which there is the task with that id: the twin first, then cousins."""
    return [name for name, variant in VARIANTS.items() if task in variant["tasks"]]


def task_of_kind(kind: str) -> str:
    """The id of the task of that kind, as in ``PushHeading``."""
    return next(id for id in TASKS if id.split("-")[-2] == kind)


@configclass
class ScanSceneCfg(InteractiveSceneCfg):
    """Environments two metres apart; :func:`fill_scene` puts a task's scene in."""

    num_envs: int = 16
    env_spacing: float = 2.0
    replicate_physics: bool = True
    light = AssetBaseCfg(prim_path="/World/light", spawn=sim_utils.DomeLightCfg(intensity=2000.0))


def fill_scene(cfg: ScanSceneCfg, task: str, franka: ArticulationCfg | None = None) -> None:
    """Put into a scene's configuration all that the task with that id wants; a Franka instead of its tool, if given."""
    wanted = "bare" if franka else task
    stages = [str(DATA / "assets" / VARIANTS[name]["stages"][wanted]) for name in variants_of(task)]
    has_gripper = task in SCENE["grippers"]
    spawn = sim_utils.MultiUsdFileCfg(
        usd_path=stages,
        activate_contact_sensors=has_gripper,
    )
    setattr(cfg, SCAN, AssetBaseCfg(prim_path=ROOT, spawn=spawn))
    for data in SCENE["objects"]:
        x, y, z, *xyzw = VARIANTS["twin"]["poses"][data["identifier"]]
        start = RigidObjectCfg.InitialStateCfg(pos=(x, y, z), rot=tuple(xyzw))
        setattr(
            cfg,
            data["identifier"],
            RigidObjectCfg(prim_path=f"{ROOT}/{data['identifier']}", spawn=None, init_state=start),
        )
    setattr(cfg, TOOL, franka or (_gripper_cfg(task) if has_gripper else _pusher_cfg()))
    links = FRANKA_FINGERS if franka else [f"{ROOT}/{TOOL}/{finger}" for finger in FINGERS]
    for finger, link in zip(FINGERS, links, strict=True) if has_gripper else ():
        setattr(cfg, finger, ContactSensorCfg(prim_path=link))


def camera_cfg(task: str) -> CameraCfg:
    """The camera of the task with that id: Newton's ray tracer, or with ``renderer=rtx`` Isaac Sim's."""
    view = SCENE["cameras"][task]
    side, focal = RAYS * view["side"], RAYS * view["focal"]
    matrix = [focal, 0.0, side / 2, 0.0, focal, side / 2, 0.0, 0.0, 1.0]
    return CameraCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{CAMERA}",
        offset=CameraCfg.OffsetCfg(pos=tuple(view["position"]), rot=tuple(view["xyzw"]), convention="ros"),
        spawn=sim_utils.PinholeCameraCfg.from_intrinsic_matrix(matrix, side, side, clipping_range=(0.01, 20.0)),
        data_types=["rgb", "distance_to_image_plane"],
        width=side,
        height=side,
        renderer_cfg=MultiBackendRendererCfg(),
    )


def _pusher_cfg() -> ArticulationCfg:
    servo = SCENE["servo"]
    actuator = ImplicitActuatorCfg(
        joint_names_expr=[".*"], stiffness=0.0, damping=servo["gain"], effort_limit_sim=servo["force"]
    )
    return ArticulationCfg(prim_path=f"{ROOT}/{TOOL}", spawn=None, actuators={"servo": actuator})


def _gripper_cfg(task: str) -> ArticulationCfg:
    """The gripper of the task with that id, kept in its workspace; nothing pulls it down."""
    servos = {
        name: ImplicitActuatorCfg(
            joint_names_expr=servo["joints"],
            stiffness=servo["stiffness"],
            damping=servo["damping"],
            effort_limit_sim=servo["force"],
            viscous_friction=servo["drag"],
        )
        for name, servo in SCENE["gripper_servos"].items()
    }
    start = ArticulationCfg.InitialStateCfg(joint_pos=SCENE["grippers"][task])
    return ArticulationCfg(prim_path=f"{ROOT}/{TOOL}", spawn=None, init_state=start, actuators=servos)
