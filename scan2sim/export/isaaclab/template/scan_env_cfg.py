"""What all environments are made with: the engine, the camera, and what differs from environment to environment."""

# pyright: reportMissingImports=false

from __future__ import annotations

import isaaclab.envs.mdp as mdp
from isaaclab.assets import ArticulationCfg
from isaaclab.envs import DirectRLEnvCfg
from isaaclab.managers import EventTermCfg, SceneEntityCfg
from isaaclab.physics import PhysxAutoCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg, NewtonCollisionPipelineCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

from .scene_cfg import CAMERA, SCENE, ScanSceneCfg, camera_cfg, fill_scene, variants_of

__all__ = ["PhysicsCfg", "RandomizeCfg", "ScanEnvCfg", "configured"]

STEPS = round(SCENE["contact"]["steps_per_second"] / 30)  # of physics per action


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
class ScanEnvCfg(DirectRLEnvCfg):
    """Any of the tasks at 30 Hz."""

    task: str = SCENE["default_task"]
    """Id of the task in ``data/tasks.json``."""
    camera: bool = False
    """Whether observations have pictures, too."""
    franka: bool = False
    """Whether the tool is a Franka."""
    decimation: int = STEPS
    episode_length_s: float = 10.0
    action_space: int = 2
    observation_space: int = 23
    state_space: int = 0
    sim: SimulationCfg = SimulationCfg(
        dt=1 / (30 * STEPS), render_interval=STEPS, gravity=(0.0, 0.0, -9.81), physics=PhysicsCfg()
    )
    scene: ScanSceneCfg = ScanSceneCfg()
    events: RandomizeCfg | None = RandomizeCfg()


def configured(
    name: str, sizes: tuple[int, int], horizon: int, *, camera: bool = False, franka: ArticulationCfg | None = None
) -> ScanEnvCfg:
    """A configuration of the task with that id, whose observations and actions have so many numbers.

    With ``franka``, an arm takes the place of the task's own tool.

    With cousins their masses and frictions, drawn when they were made, take the place of what is drawn here.  Newton
    then finds contacts by itself: MuJoCo's solver would take the shapes of the first environment for all.
    """
    cfg = ScanEnvCfg(
        task=name,
        camera=camera,
        franka=bool(franka),
        observation_space=sizes[0],
        action_space=sizes[1],
        episode_length_s=horizon / 30,
    )
    fill_scene(cfg.scene, name, franka)
    if camera:
        setattr(cfg.scene, CAMERA, camera_cfg(name))
    if len(variants_of(name)) > 1:
        cfg.events = None
        for newton in (cfg.sim.physics.newton_mjwarp, cfg.sim.physics.default):
            newton.solver_cfg.use_mujoco_contacts = False
            newton.solver_cfg.nconmax = SCENE["contact"]["contacts_found"]
            newton.collision_cfg = NewtonCollisionPipelineCfg()
    return cfg
