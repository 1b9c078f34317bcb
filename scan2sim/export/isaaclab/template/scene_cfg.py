"""The scanned scene for Isaac Lab: background, objects and the pusher, from ``data/scene.json`` and the assets."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import isaaclab.sim as sim_utils
from isaaclab.actuators import ImplicitActuatorCfg
from isaaclab.assets import ArticulationCfg, AssetBaseCfg, RigidObjectCfg
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.sensors import ContactSensorCfg
from isaaclab.utils import configclass
from isaaclab_newton.sim.schemas import MujocoCollisionCfg

__all__ = [
    "DATA",
    "FINGERS",
    "GRIPPER",
    "PUSHER",
    "SCENE",
    "GripperSceneCfg",
    "ScanSceneCfg",
    "gripper_cfg",
    "pusher_cfg",
]

DATA = Path(__file__).parent / "data"
SCENE: dict[str, Any] = json.loads((DATA / "scene.json").read_text())
PUSHER, GRIPPER = "pusher", "gripper"
FINGERS = ["gripper_left", "gripper_right"]  # links, joints and sensors alike


def _contact() -> MujocoCollisionCfg:
    """What MuJoCo's solver needs to know of contacts, as where the scene was settled; other engines do not read it."""
    contact = SCENE["contact"]
    return MujocoCollisionCfg(
        condim=contact["condim"],
        solref=tuple(contact["solref"]),
        solimp=(*contact["solimp"], 0.5, 2.0),
    )


def _asset(name: str) -> sim_utils.UsdFileCfg:
    return sim_utils.UsdFileCfg(usd_path=str(DATA / "assets" / name), collision_props=_contact())


def _object(data: dict[str, Any]) -> RigidObjectCfg:
    w, x, y, z = data["wxyz"]
    return RigidObjectCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{data['identifier']}",
        spawn=_asset(data["asset"]),
        init_state=RigidObjectCfg.InitialStateCfg(pos=tuple(data["position"]), rot=(x, y, z, w)),
    )


def pusher_cfg(task: str) -> ArticulationCfg:
    """The pusher of the task with that id: as high as what it pushes, and kept near it."""
    servo, pusher = SCENE["servo"], SCENE["pushers"][task]
    return ArticulationCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{PUSHER}",
        spawn=_asset(pusher["asset"]),
        init_state=ArticulationCfg.InitialStateCfg(pos=(0.0, 0.0, pusher["height"])),
        actuators={
            "servo": ImplicitActuatorCfg(
                joint_names_expr=[".*"],
                stiffness=0.0,
                damping=servo["gain"],
                effort_limit_sim=servo["force"],
            )
        },
    )


def gripper_cfg(task: str) -> ArticulationCfg:
    """The gripper of the task with that id, kept in its workspace; nothing pulls it down."""
    gripper = SCENE["grippers"][task]
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
    spawn = _asset(gripper["asset"])
    spawn.activate_contact_sensors = True
    return ArticulationCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{GRIPPER}",
        spawn=spawn,
        init_state=ArticulationCfg.InitialStateCfg(pos=(0.0, 0.0, 0.0), joint_pos=gripper["start"]),
        actuators=servos,
    )


@configclass
class ObjectsSceneCfg(InteractiveSceneCfg):
    """Everything in the scene at its place; environments stand two metres apart."""

    num_envs: int = 16
    env_spacing: float = 2.0
    replicate_physics: bool = True
    light = AssetBaseCfg(prim_path="/World/light", spawn=sim_utils.DomeLightCfg(intensity=2000.0))
    background = AssetBaseCfg(prim_path="{ENV_REGEX_NS}/background", spawn=_asset("background.usdc"))

    def __post_init__(self) -> None:
        """Objects have names of the scene's own, so they are added here."""
        for data in SCENE["objects"]:
            setattr(self, data["identifier"], _object(data))


@configclass
class ScanSceneCfg(ObjectsSceneCfg):
    """The scene with the pusher."""

    def __post_init__(self) -> None:
        """The pusher comes last."""
        super().__post_init__()
        setattr(self, PUSHER, pusher_cfg(SCENE["default_task"]))


@configclass
class GripperSceneCfg(ObjectsSceneCfg):
    """The scene with a gripper, whose fingers feel what presses on them."""

    def __post_init__(self) -> None:
        """The gripper comes last; without a task for one there is none."""
        super().__post_init__()
        for task in list(SCENE["grippers"])[:1]:
            setattr(self, GRIPPER, gripper_cfg(task))
        for finger in FINGERS:
            setattr(self, finger, ContactSensorCfg(prim_path=f"{{ENV_REGEX_NS}}/{GRIPPER}/{finger}"))
