"""What the environments of Push are made with."""

# pyright: reportMissingImports=false

from __future__ import annotations

from .push_task import PushTask
from .scan_env_cfg import ScanEnvCfg, configured
from .scene_cfg import TASKS, task_of_kind

__all__ = ["push", "push_camera", "push_heading", "push_heading_camera"]


def push() -> ScanEnvCfg:
    """To a place."""
    return _made("Push")


def push_heading() -> ScanEnvCfg:
    """To a place and a heading."""
    return _made("PushHeading")


def push_camera() -> ScanEnvCfg:
    """To a place, with pictures."""
    return _made("Push", camera=True)


def push_heading_camera() -> ScanEnvCfg:
    """To a place and a heading, with pictures."""
    return _made("PushHeading", camera=True)


def _made(kind: str, *, camera: bool = False) -> ScanEnvCfg:
    name = task_of_kind(kind)
    task = PushTask.of(TASKS[name])
    return configured(name, (task.observation_size, task.action_size), task.horizon, camera=camera)
