"""What the Push environment is made with: the scene, the engine, and what differs from episode to episode."""

# pyright: reportMissingImports=false

from __future__ import annotations

import isaaclab.envs.mdp as mdp
from isaaclab.envs import DirectRLEnvCfg
from isaaclab.managers import EventTermCfg, SceneEntityCfg
from isaaclab.physics import PhysxAutoCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

from .push_task import PushTask
from .scene_cfg import DATA, PUSHER, SCENE, ScanSceneCfg, pusher_cfg

__all__ = ["PhysicsCfg", "PushEnvCfg", "RandomizeCfg", "push", "push_heading"]

STEPS = round(SCENE["contact"]["steps_per_second"] / 30)  # of physics per action
TASKS = DATA / "tasks.json"
PUSH = PushTask.read(TASKS, SCENE["default_task"])


@configclass
class PhysicsCfg(PresetCfg):
    """Newton with MuJoCo's solver by default; ``physics=physx`` takes Isaac Sim's engine.

    ``enable_multiccd`` gives hulls that lie flat more than one point of contact: with one they creep.
    """

    newton_mjwarp: NewtonCfg = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=SCENE["contact"]["constraints"],
            nconmax=SCENE["contact"]["contacts"],
            cone="elliptic",
            integrator="implicitfast",
            enable_multiccd=True,
        ),
        use_cuda_graph=True,
    )
    isaacsim_physx: PhysxCfg = PhysxCfg()
    ovphysx: OvPhysxCfg = OvPhysxCfg()
    physx: PhysxAutoCfg = PhysxAutoCfg(isaacsim_physx=isaacsim_physx, ovphysx=ovphysx)
    default: NewtonCfg = newton_mjwarp


@configclass
class RandomizeCfg:
    """Masses and frictions anywhere in the intervals that the scan left, drawn once for each environment."""

    def __post_init__(self) -> None:
        """Two terms for each object."""
        for data in SCENE["objects"]:
            if data["mobility"] != "free":
                continue
            entity = SceneEntityCfg(data["identifier"])
            mass = {
                "asset_cfg": entity,
                "mass_distribution_params": (data["mass"][1], data["mass"][2]),
                "operation": "abs",
                "distribution": "log_uniform",
            }
            low, high = data["friction"][1:]
            friction = {
                "asset_cfg": entity,
                "static_friction_range": (low, high),
                "dynamic_friction_range": (low, high),
                "restitution_range": (0.0, 0.0),
                "num_buckets": 64,
                "make_consistent": True,
            }
            name = data["identifier"]
            setattr(self, f"{name}_mass", EventTermCfg(mdp.randomize_rigid_body_mass, params=mass, mode="startup"))
            setattr(
                self,
                f"{name}_friction",
                EventTermCfg(mdp.randomize_rigid_body_material, params=friction, mode="startup"),
            )


@configclass
class PushEnvCfg(DirectRLEnvCfg):
    """Push at 30 Hz."""

    task: str = SCENE["default_task"]
    """Id of the task in ``data/tasks.json``."""
    decimation: int = STEPS
    episode_length_s: float = PUSH.horizon / 30
    action_space: int = 2
    observation_space: int = PUSH.observation_size
    state_space: int = 0
    sim: SimulationCfg = SimulationCfg(
        dt=1 / (30 * STEPS), render_interval=STEPS, gravity=(0.0, 0.0, -9.81), physics=PhysicsCfg()
    )
    scene: ScanSceneCfg = ScanSceneCfg()
    events: RandomizeCfg | None = RandomizeCfg()


def push() -> PushEnvCfg:
    """To a place."""
    return PushEnvCfg()


def push_heading() -> PushEnvCfg:
    """To a place and a heading."""
    name = SCENE["default_task"].replace("-Push-", "-PushHeading-")
    task = PushTask.read(TASKS, name)
    cfg = PushEnvCfg(task=name, observation_space=task.observation_size, episode_length_s=task.horizon / 30)
    setattr(cfg.scene, PUSHER, pusher_cfg(name))
    return cfg
