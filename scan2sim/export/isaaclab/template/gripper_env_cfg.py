"""What the environments of Lift and Rearrange are made with."""

# pyright: reportMissingImports=false

from __future__ import annotations

from .gripper_task import gripper_task_of
from .scan_env_cfg import ScanEnvCfg, configured
from .scene_cfg import TASKS, task_of_kind

__all__ = ["lift", "lift_camera", "rearrange", "rearrange_camera"]


def lift() -> ScanEnvCfg:
    """One object is raised."""
    return _made("Lift")


def rearrange() -> ScanEnvCfg:
    """Objects are brought to new places."""
    return _made("Rearrange")


def lift_camera() -> ScanEnvCfg:
    """One object is raised, with pictures."""
    return _made("Lift", camera=True)


def rearrange_camera() -> ScanEnvCfg:
    """Objects are brought to new places, with pictures."""
    return _made("Rearrange", camera=True)


def _made(kind: str, *, camera: bool = False) -> ScanEnvCfg:
    name = task_of_kind(kind)
    task = gripper_task_of(TASKS[name])
    return configured(name, (task.observation_size, task.action_size), task.horizon, camera=camera)
