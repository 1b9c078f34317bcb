"""What policies that ``examples/02_train.py`` saved are worth elsewhere, and pictures of how they learned.

Each policy is tried on as many episodes with physics of the steps that are named, with actions drawn as in training, or
with the most likely ones alone.  The picture shows success over minutes of one core.

Usage:
    python benchmarks/policies.py desk-gym push.zip heading.zip lift.zip --substeps 16 --plot docs/policies.png --json
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from measuring import print_figures
from scipy.stats import binomtest
from stable_baselines3 import PPO

from scan2sim.sim.baselines3 import AsPusher, TaskVecEnv

WORLDS, SEED = 64, 2_000_000  # far from the seeds of training and of its evaluation
POINTS = 40  # of each curve in JSON
LIMIT = 10.0  # of scaled observations, as VecNormalize clips them


def main() -> None:
    """Try all, draw all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to gymnasium wrote")
    parser.add_argument("policies", type=Path, nargs="+", help=".zip files, beside each its .npz and .json")
    parser.add_argument("--substeps", type=int, nargs="*", default=[], help="steps of physics an action to try with")
    parser.add_argument("--most-likely", action="store_true", help="take the most likely actions")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    args = parser.parse_args()
    sys.path.insert(0, str(args.folder.absolute()))
    export = json.loads((args.folder / "export.json").read_text())
    importlib.import_module(export["package"])
    torch.set_num_threads(1)
    figures: dict[str, Any] = {}
    for path in args.policies:
        about = json.loads(path.with_suffix(".json").read_text())
        if about["scene"] != {thing["name"]: thing["position"] for thing in export["objects"]}:
            sys.exit(f"{path} was trained in another scene than {args.folder}: train it again")
        for substeps in args.substeps:
            done = tried(path, about, substeps, args.episodes, drawn=not args.most_likely)
            low, high = binomtest(sum(done), len(done)).proportion_ci(method="wilson")
            name = f"{path.stem}_at_{30 * substeps}_hz"
            figures |= {name: sum(done) / len(done), f"{name}_low": float(low), f"{name}_high": float(high)}
    if args.plot:
        plot([json.loads(path.with_suffix(".json").read_text()) for path in args.policies], args.plot)
    print_figures(figures, args.json)


def tried(path: Path, about: dict[str, Any], substeps: int, episodes: int, *, drawn: bool) -> list[bool]:
    """Success of each episode, the same number in each world."""
    name, settings = about["environment"], {"target": about["target"], "substeps": substeps}
    envs = TaskVecEnv(gymnasium.make_vec(name, WORLDS, autoreset=AutoresetMode.SAME_STEP, **settings))  # pyright: ignore[reportArgumentType]
    worlds = AsPusher(envs) if "-Push" in name else envs
    policy, scales = PPO.load(path, device="cpu"), np.load(path.with_suffix(".npz"))
    worlds.seed(SEED)
    seen, results = np.asarray(worlds.reset()), [[] for _ in range(WORLDS)]
    quota = -(-episodes // WORLDS)
    while min(map(len, results)) < quota:
        scaled = np.clip((seen - scales["mean"]) / np.sqrt(scales["var"] + 1e-8), -LIMIT, LIMIT)
        seen, _, dones, infos = worlds.step(policy.predict(scaled, deterministic=not drawn)[0])
        for i in np.flatnonzero(dones).tolist():
            results[i].append(bool(infos[i]["is_success"]))
    envs.close()
    return [one for result in results for one in result[:quota]]


def plot(found: list[dict[str, Any]], path: Path) -> None:
    """Success of the last 500 episodes of training over time, drawn, and beside the picture as JSON."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3), layout="constrained")
    for about in found:
        rows = about["curve"]
        label = " of ".join([about["environment"].split("-")[1], *([about["target"]] if about["target"] else [])])
        axes.plot([row["processor_seconds"] / 60 for row in rows], [100 * row["success"] for row in rows], label=label)
    axes.set(xlabel="minutes of one core", ylabel="success in training [%]", ylim=(0, 101), xlim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=100)
    thinned = [{**about, "curve": about["curve"][:: max(1, len(about["curve"]) // POINTS)]} for about in found]
    path.with_suffix(".json").write_text("[\n" + ",\n".join(map(json.dumps, thinned)) + "\n]\n")


if __name__ == "__main__":
    main()
