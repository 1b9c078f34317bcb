"""Step the scene in Isaac Lab and say where everything comes to rest: ``python -m <package>.check OUT.json``."""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

from isaaclab.app import add_launcher_args, launch_simulation

__all__ = ["main"]


def main() -> None:
    """Make the environments, step them, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="where the figures go (JSON)")
    parser.add_argument("--envs", type=int, default=16, help="environments side by side")
    parser.add_argument("--steps", type=int, default=100, help="actions at 30 Hz")
    parser.add_argument("--task", default="", help="id of the task; the first of data/tasks.json if none is named")
    parser.add_argument("--franka", help="file of the Franka (OpenUSD), if not Isaac Lab's; with …LiftFranka")
    parser.add_argument("--pictures", type=Path, help="where pictures of the first environments go (npz, with …Camera)")
    parser.add_argument("--actions", choices=("still", "random"), default="still", help="what the tool does")
    add_launcher_args(parser)
    parser.set_defaults(visualizer=["none"], device="cpu")
    arguments = parser.parse_args()
    arguments.output.write_text(json.dumps(run(arguments), indent=1))


def run(arguments: argparse.Namespace) -> dict:
    """Step as the command line says; returns the figures."""
    import numpy as np  # after the command line was read: Isaac Sim wants to be started before what it brings is loaded
    import torch
    from isaaclab_tasks.utils import resolve_presets

    from . import MAKERS  # pyright: ignore[reportAttributeAccessIssue]  (the package.py of the template)
    from .scene_cfg import SCENE

    task = arguments.task or SCENE["default_task"]
    made, configured = (each.split(":") for each in MAKERS[task.split("-")[-2]])
    more = {"asset": arguments.franka} if arguments.franka else {}
    cfg = resolve_presets(getattr(import_module(f"{__package__}.{configured[0]}"), configured[1])(**more))
    cfg.scene.num_envs = arguments.envs
    cfg.sim.device = arguments.device
    cfg.seed = 0
    cfg.events = None  # the scene's own masses and frictions
    if cfg.camera and arguments.device == "cpu":
        cfg.scene.camera.renderer_cfg.use_cuda_graph = False
    if arguments.device == "cpu":
        cfg.sim.physics.use_cuda_graph = False
    with launch_simulation(cfg, arguments):
        env = getattr(import_module(f"{__package__}.{made[0]}"), made[1])(cfg)
        observations, _ = env.reset()
        if arguments.pictures:
            np.savez_compressed(arguments.pictures, rgb=observations["camera"][:4].cpu().numpy())
        figures = {
            "task": task,
            "observation_shape": list(observations["policy"].shape),
            "camera_shape": list(observations["camera"].shape) if "camera" in observations else None,
            "variants": env.variants,
            "franka": cfg.franka,
            "rewards_finite": True,
            "episodes": 0,
        }
        bodies = {data["identifier"]: env.scene[data["identifier"]] for data in SCENE["objects"]}
        held = env.state().tool[:, :3].clone()
        placed = {name: body.data.root_link_pose_w.torch.clone() for name, body in bodies.items()}
        for _ in range(arguments.steps):
            shape = arguments.envs, env.task.action_size
            actions = 2 * torch.rand(shape) - 1 if arguments.actions == "random" else torch.zeros(shape)
            observations, reward, ended, late, _ = env.step(actions.to(env.device))
            figures["rewards_finite"] &= all(bool(each.isfinite().all()) for each in (reward, *observations.values()))
            figures["episodes"] += int((ended | late).sum())
        figures["tool_drift_mm"] = 1e3 * float((env.state().tool[:, :3] - held).norm(dim=1).max())
        origins = env.scene.env_origins
        figures["objects"] = {}
        for name, body in bodies.items():
            pose, mass = body.data.root_link_pose_w.torch, body.data.body_mass.torch.sum(1)
            turned = (pose[:, 3:] * placed[name][:, 3:]).sum(1).abs().clamp(max=1).acos().mul(360 / torch.pi)
            moved = 1e3 * (pose - placed[name])[:, :3].norm(dim=1)
            figures["objects"][name] = {
                "mass": float(mass[0]),
                "loaded": [*(placed[name][0, :3] - origins[0]).tolist(), *placed[name][0, 3:].tolist()],
                "drift_mm": float(moved.max()),
                "turn_deg": float(turned.max()),
                "after": [*(pose[0, :3] - origins[0]).tolist(), *pose[0, 3:].tolist()],
                "in_variants": _by_variant(env.variants, {"mass": mass, "drift_mm": moved, "turn_deg": turned}),
            }
        env.close()
    return figures


def _by_variant(variants: list[str], values: dict) -> dict:  # values (N,) by environment
    """The largest value among the environments of each variant."""
    return {
        name: {
            key: max(v for v, of in zip(each.tolist(), variants, strict=True) if of == name)
            for key, each in values.items()
        }
        for name in dict.fromkeys(variants)
    }


if __name__ == "__main__":
    main()
