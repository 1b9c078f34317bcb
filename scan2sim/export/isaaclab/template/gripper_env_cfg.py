"""What the environments of Lift and Rearrange are made with: the scene with a gripper in place of the pusher."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json

from isaaclab.envs import DirectRLEnvCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass

from .gripper_task import read_gripper_task
from .push_env_cfg import STEPS, PhysicsCfg, RandomizeCfg
from .scene_cfg import DATA, GRIPPER, GripperSceneCfg, gripper_cfg

__all__ = ["GripperEnvCfg", "lift", "rearrange"]

TASKS = DATA / "tasks.json"


@configclass
class GripperEnvCfg(DirectRLEnvCfg):
    """Lift or Rearrange at 30 Hz."""

    task: str = ""
    """Id of the task in ``data/tasks.json``."""
    decimation: int = STEPS
    episode_length_s: float = 10.0
    action_space: int = 5
    observation_space: int = 32
    state_space: int = 0
    sim: SimulationCfg = SimulationCfg(
        dt=1 / (30 * STEPS), render_interval=STEPS, gravity=(0.0, 0.0, -9.81), physics=PhysicsCfg()
    )
    scene: GripperSceneCfg = GripperSceneCfg()
    events: RandomizeCfg | None = RandomizeCfg()


def lift() -> GripperEnvCfg:
    """One object is raised."""
    return _made("lift")


def rearrange() -> GripperEnvCfg:
    """Objects are brought to new places."""
    return _made("rearrange")


def _made(kind: str) -> GripperEnvCfg:
    name = next(id for id, task in json.loads(TASKS.read_text()).items() if task["kind"] == kind)
    task = read_gripper_task(TASKS, name)
    cfg = GripperEnvCfg(task=name, observation_space=task.observation_size, episode_length_s=task.horizon / 30)
    setattr(cfg.scene, GRIPPER, gripper_cfg(name))
    return cfg
