"""What policies that ``examples/02_train.py`` trained in MuJoCo are worth in the exported Isaac Lab task, unchanged.

Runs in the Python of Isaac Lab, which needs neither scan2sim nor stable-baselines3: the network is rebuilt from the
weights in the ``.zip``, the observations are scaled by the ``.npz`` beside it, and the ``.json`` beside it says what it
is a policy for and what it reached in MuJoCo, unless ``--mujoco`` says that.  Masses and frictions are drawn once for
each environment, as the exported configuration has it.  Of each environment the first episodes count, the same number
of each, also where ``--minutes`` end it early.  The interval is Wilson's of 95 % (1927).  The last line that is printed
is one flat JSON object.

Usage:
    scan2sim export outputs/desk --to isaaclab -o desk-isaaclab
    .venv-isaaclab/bin/python benchmarks/policies_isaaclab.py desk-isaaclab push.zip --envs 16 --episodes 128
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
from isaaclab.app import add_launcher_args, launch_simulation
from numpy.typing import NDArray
from scipy.stats import binomtest

VIEW = Path(__file__).parents[1] / "scan2sim" / "sim" / "tasks" / "pusher_view.py"  # needs NumPy alone
HIDDEN = ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2")
LIMIT, TINY = 10.0, 1e-8  # of scaled observations and of their variances, as VecNormalize has them

Array = NDArray[Any]
Policy = Callable[[Array], Array]  # (N, observation) → (N, action) in [-1, 1]


def main() -> None:
    """Try the policy, compare it with what it reached in MuJoCo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to isaaclab wrote")
    parser.add_argument("policy", type=Path, help=".zip file, beside it its .npz and .json")
    parser.add_argument("--envs", type=int, default=16, help="environments side by side")
    parser.add_argument("--episodes", type=int, default=128, help="rounded up to the same number in each environment")
    parser.add_argument("--most-likely", action="store_true", help="take the most likely actions instead of drawing")
    parser.add_argument(
        "--mujoco", type=float, help="success in MuJoCo by benchmarks/policies.py; else that of the .json"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then, with what is complete")
    parser.add_argument("--seed", type=int, default=0)
    add_launcher_args(parser)
    parser.set_defaults(visualizer=["none"], device="cpu")
    args = parser.parse_args()
    about = json.loads(args.policy.with_suffix(".json").read_text())
    if about["target"]:
        sys.exit(f"{args.policy} moves {about['target']}; the exported task moves its own target only")
    objects = json.loads((args.folder / "export.json").read_text())["objects"]
    if about["scene"] != {thing["name"]: thing["position"] for thing in objects}:
        sys.exit(f"{args.policy} was trained in another scene than {args.folder}: train it again")
    done, spent = tried(args, about["environment"].replace("scan2sim/", "Scan2Sim-"))
    low, high = binomtest(sum(done), len(done)).proportion_ci(method="wilson")
    rate, mujoco = sum(done) / len(done), args.mujoco if args.mujoco is not None else about["success"]
    figures = {"success": rate, "success_low": float(low), "success_high": float(high), "episodes": len(done)}
    figures |= {"mujoco_success": mujoco, "points_lost": 100 * (mujoco - rate), "environments": args.envs, **spent}
    print(json.dumps({name: float(f"{value:.5g}") for name, value in figures.items()}))


def tried(args: argparse.Namespace, task: str) -> tuple[list[bool], dict[str, float]]:
    """Success of each episode that counts, and how many actions and seconds they all took."""
    import torch  # after the command line was read: Isaac Sim wants to be started before what it brings is loaded
    from isaaclab_tasks.utils import resolve_presets

    sys.path.insert(0, str(args.folder.absolute()))
    package = json.loads((args.folder / "export.json").read_text())["package"]
    made, configured = (each.split(":") for each in import_module(package).MAKERS[task.split("-")[-2]])
    cfg = resolve_presets(getattr(import_module(f"{package}.{configured[0]}"), configured[1])())
    cfg.scene.num_envs, cfg.sim.device, cfg.seed = args.envs, args.device, args.seed
    if args.device == "cpu":
        cfg.sim.physics.use_cuda_graph = False
    act = read_policy(args.policy, args.seed, drawn=not args.most_likely, pusher="-Push" in task)
    quota, results = -(-args.episodes // args.envs), [[] for _ in range(args.envs)]
    with launch_simulation(cfg, args):
        env = getattr(import_module(f"{package}.{made[0]}"), made[1])(cfg)
        seen, _ = env.reset()
        start, processor, actions = time.monotonic(), time.process_time(), 0
        while min(map(len, results)) < quota and time.monotonic() - start < 60 * args.minutes:
            chosen = act(seen["policy"].cpu().numpy())
            seen, _, ended, late, extras = env.step(torch.from_numpy(chosen.astype(np.float32)).to(env.device))
            actions += 1
            over = ended | late
            for i in over.nonzero()[:, 0].tolist():
                results[i].append(bool(extras["is_success"][i]))
            if over.any():
                whole = min(quota, *map(len, results))
                counted = [one for result in results for one in result[:whole]]
                finished = sum(map(len, results))
                print(f"{actions} actions: {sum(counted)} of {len(counted)}, {finished} ended", file=sys.stderr)
        seconds, processor = time.monotonic() - start, time.process_time() - processor
        env.close()
    whole = min(quota, *map(len, results))
    counted = [one for result in results for one in result[:whole]]
    if not counted:
        sys.exit("no environment has come to the end of an episode: give it more --minutes")
    spent = {"actions": actions * args.envs, "seconds": seconds, "processor_seconds": processor}
    return counted, spent


def read_policy(path: Path, seed: int, *, drawn: bool, pusher: bool) -> Policy:
    """The policy of a file of stable-baselines3: two layers of tanh, and a normal distribution about what they say."""
    import torch

    with zipfile.ZipFile(path) as archive:
        weights = torch.load(io.BytesIO(archive.read("policy.pth")), map_location="cpu", weights_only=True)
    named = {name: value.numpy().astype(np.float64) for name, value in weights.items()}
    layers = [[named[f"{name}.{part}"] for part in ("weight", "bias")] for name in HIDDEN]
    last, bias, spread = named["action_net.weight"], named["action_net.bias"], np.exp(named["log_std"])
    scales, rng = np.load(path.with_suffix(".npz")), np.random.default_rng(seed)
    view = run_path(str(VIEW))  # by its path, since the package around it wants more than this Python has

    def act(observation: Array) -> Array:
        seen = view["seen_by_pusher"](observation) if pusher else observation
        hidden = np.clip((seen - scales["mean"]) / np.sqrt(scales["var"] + TINY), -LIMIT, LIMIT)
        for weight, offset in layers:
            hidden = np.tanh(hidden @ weight.T + offset)
        action = hidden @ last.T + bias
        if drawn:
            action = action + spread * rng.standard_normal(action.shape)
        action = np.clip(action, -1.0, 1.0)
        return view["action_of_pusher"](observation, action) if pusher else action

    return act


if __name__ == "__main__":
    main()
