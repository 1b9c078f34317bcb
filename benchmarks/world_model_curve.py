"""Error against speed: splatwm's physics in several settings beside MuJoCo from 1/480 to 1/30 s, and gradients' cost.

Each predicts the same collected episodes from their first frame, on one thread; speeds are frames of 1/30 s per second
of processor time, Python included.  The truth is MuJoCo at 1/480 s, so that its own point there is its speed alone.

Usage: python benchmarks/world_model_curve.py DATA [--episodes 120] [--plot FILE] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from measuring import print_figures

from splatwm.config import PhysicsConfig, faster
from splatwm.data import Data, open_data
from splatwm.episodes import shape_of_body, start_of_episode
from splatwm.evaluate import Comparison, Predictor, compare, mujoco_at
from splatwm.model import find_contacts, step
from splatwm.predict import EpisodePredictor
from splatwm.trained import Model

GROUPS = ("push", "drop and stack")
HORIZON = 1.0  # [s]
USUAL = PhysicsConfig()
FAST = faster(USUAL)
OURS = {
    "finer": replace(USUAL, tolerance=1e-3, sweeps=60),
    "usual": USUAL,
    "usual, few sweeps": replace(USUAL, tolerance=0.05, sweeps=8, turn=0.1),
    "8 substeps": replace(FAST, substeps=8, turn=0.1),
    "fast": FAST,
    "fast, 6 contacts": replace(FAST, sweeps=4, turn=0.3, contacts_per_pair=6),
}
RATES = (480, 240, 120, 60, 30)


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--episodes", type=int, default=120)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = open_data(arguments.data)
    found = compare(data, predictors(data), arguments.episodes)
    if arguments.plot:
        plot(found, arguments.plot)
    print_figures({**figures_of(found), **gradient_cost(data)}, arguments.json)


def predictors(data: Data) -> Mapping[str, Predictor]:
    """All that are on the curve."""

    def ours(config: PhysicsConfig) -> Predictor:
        predict = EpisodePredictor(Model(physics=config), data)
        return lambda _, episode: predict(episode)

    simulators = {f"MuJoCo 1/{rate} s": mujoco_at(1 / rate) for rate in RATES}
    return {name: ours(config) for name, config in OURS.items()} | simulators


def figures_of(found: Comparison) -> dict[str, float | str | None]:
    """Speeds and median errors [mm]."""
    told: dict[str, float | str | None] = {"episodes": found.episodes}
    for name, score in found.scores.items():
        if not score.frames:
            continue
        told[f"{name}: frames_per_second"] = score.frames / score.seconds
        for group in GROUPS:
            told[f"{name}: {group}_mm"] = error_of(found, name, group)
    return told


def error_of(found: Comparison, name: str, group: str) -> float:
    """Median over what moved [mm]."""
    return 1000 * float(np.median(np.concatenate(found.scores[name].position[group, HORIZON, True])))


def gradient_cost(data: Data, steps: int = 8) -> dict[str, float | str | None]:
    """Seconds of steps on tensors and of the same with gradients by the start, a batch of the first frames."""
    episode = next(iter(data.episodes(1)))
    start = start_of_episode(episode, lambda digest: shape_of_body(data.body(digest)))
    seconds = {}
    for name in ("forward", "with gradients"):
        state = replace(start.state, linear=start.state.linear.clone().requires_grad_(name != "forward"))
        began = time.process_time()
        for _ in range(steps):
            contacts = find_contacts(state, start.shapes, episode.dt)
            state = step(state, start.shapes, episode.dt, contacts=contacts).state
        if state.position.requires_grad:
            state.position.sum().backward()
        seconds[name] = time.process_time() - began
    return {"gradients_to_step": seconds["with gradients"] / seconds["forward"]}


def plot(found: Comparison, path: Path) -> None:
    """Both curves, one panel a kind of motion."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axes, group in zip(panels, GROUPS, strict=True):
        for names, style, label in (
            (list(OURS), "o", "splatwm"),
            ([f"MuJoCo 1/{rate} s" for rate in RATES if rate < RATES[0]], "s-", "MuJoCo"),
        ):
            speeds = [found.scores[name].frames / found.scores[name].seconds for name in names]
            errors = [error_of(found, name, group) for name in names]
            axes.loglog(speeds, errors, style, label=label)
            for name, speed, error in zip(names, speeds, errors, strict=True):
                axes.annotate(name.removeprefix("MuJoCo "), (speed, error), (4, 4), textcoords="offset points", size=7)
        truth = found.scores[f"MuJoCo 1/{RATES[0]} s"]
        axes.axvline(truth.frames / truth.seconds, color="gray", linestyle=":", label=f"the truth, 1/{RATES[0]} s")
        axes.set(
            title=group, xlabel="frames of 1/30 s per second and thread", ylabel=f"median error at {HORIZON:g} s [mm]"
        )
        axes.grid(True, which="both", alpha=0.2)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
