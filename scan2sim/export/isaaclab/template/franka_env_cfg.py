"""What the environments of Lift with Isaac Lab's Franka are made with."""

# pyright: reportMissingImports=false

from __future__ import annotations

import logging
import math

from isaaclab.assets import ArticulationCfg
from isaaclab.utils import clone
from isaaclab.utils.assets import check_file_path
from isaaclab_assets.robots import FRANKA_PANDA_HIGH_PD_CFG
from isaaclab_newton.sim.schemas import MujocoRigidBodyCfg
from isaaclab_tasks.utils import preset

from .gripper_env_cfg import lift, lift_camera
from .gripper_task import gripper_task_of
from .panda import HOME, OPEN
from .scan_env_cfg import ScanEnvCfg, configured
from .scene_cfg import FRANKA, SCENE, TASKS, task_of_kind

__all__ = ["lift_franka", "lift_franka_camera"]

ASSET = FRANKA_PANDA_HIGH_PD_CFG.spawn.usd_path


def lift_franka(asset: str = ASSET) -> ScanEnvCfg:
    """One object is raised by a Franka.

    Its asset lies on a server of NVIDIA's.  Where it cannot be fetched, the gripper that flies freely takes its place,
    and a warning says so; ``franka`` of what is returned tells which it is.
    """
    return _made(asset, camera=False)


def lift_franka_camera(asset: str = ASSET) -> ScanEnvCfg:
    """The same with pictures."""
    return _made(asset, camera=True)


def _made(asset: str, *, camera: bool) -> ScanEnvCfg:
    if check_file_path(asset) == 0:
        logging.getLogger(__name__).warning(
            "the Franka's asset cannot be fetched (%s): Lift is done with the gripper that flies freely", asset
        )
        return lift_camera() if camera else lift()
    name = task_of_kind("Lift")
    task = gripper_task_of(TASKS[name])
    sizes = (task.observation_size, task.action_size)
    return configured(name, sizes, task.horizon, camera=camera, franka=_franka_cfg(asset))


def _franka_cfg(asset: str) -> ArticulationCfg:
    """Isaac Lab's Franka for differential inverse kinematics, beside the support; gravity does not pull at it."""
    cfg = clone(FRANKA_PANDA_HIGH_PD_CFG)
    cfg.prim_path, cfg.spawn.usd_path = FRANKA, asset
    cfg.spawn.activate_contact_sensors = True
    cfg.spawn.rigid_props = [cfg.spawn.rigid_props, MujocoRigidBodyCfg(gravcomp=1.0)]
    if asset == ASSET:
        cfg.spawn.variants["Physics"] = preset(default="mujoco", isaacsim_physx="physx", physx="physx", ovphysx="physx")
    else:
        cfg.spawn.variants = None
    place, yaw = SCENE["franka"]["position"], SCENE["franka"]["yaw"]
    cfg.init_state.pos = tuple(place)
    cfg.init_state.rot = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
    joints = {f"panda_joint{i}": angle for i, angle in enumerate(HOME, start=1)}
    cfg.init_state.joint_pos = {**joints, "panda_finger_joint.*": OPEN}
    return cfg
