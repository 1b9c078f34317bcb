"""Error against speed: splatwm's physics in several settings beside MuJoCo from 1/480 to 1/30 s, and gradients' cost.

Each predicts the same collected episodes from their first frame.  Speeds are frames of 1/30 s per second of processor
time on one thread, Python included, of episodes with five objects, each predictor by itself, best of three.  The truth
is MuJoCo at 1/480 s, so that its own point there is its speed alone.

Usage: python benchmarks/world_model_curve.py DATA [--episodes 120] [--timed 12] [--plot FILE] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import print_figures

from splatwm.config import PhysicsConfig, faster
from splatwm.data import Data, Episode, open_data
from splatwm.episodes import actions_of_episode, shape_of_body, start_of_episode
from splatwm.evaluate import Comparison, Predictor, compare, mujoco_at, world_of
from splatwm.gradients import simulate_with_gradients
from splatwm.predict import EpisodePredictor
from splatwm.simulate import simulate
from splatwm.trained import Model

GROUPS = ("push", "drop and stack")
HORIZON = 1.0  # [s]
OBJECTS = 5  # of timed episodes
REPEATS = 3
USUAL = PhysicsConfig()
FAST = faster(USUAL)
OURS = {
    "finer": replace(USUAL, tolerance=1e-3, sweeps=60),
    "usual": USUAL,
    "usual, few sweeps": replace(USUAL, tolerance=0.05, sweeps=8, turn=0.1),
    "fast": FAST,
    "fast, 8 substeps": replace(FAST, law="coulomb", substeps=8),
    "fast, 6 contacts": replace(FAST, sweeps=4, contacts_per_pair=6, turn=0.2),
}
RATES = (480, 240, 120, 60, 30)


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--episodes", type=int, default=120)
    parser.add_argument("--timed", type=int, default=12, help="episodes with five objects that speeds are of")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = open_data(arguments.data)
    everyone = predictors(data)
    timed = [episode for episode in data.episodes() if len(episode.names) == OBJECTS][: arguments.timed]
    if not timed:
        parser.error(f"no episode in {arguments.data} has {OBJECTS} objects")
    speeds = speeds_of(data, everyone, timed)
    found = compare(data, everyone, arguments.episodes)
    figures = figures_of(found, speeds)
    if arguments.plot:
        plot(figures, arguments.plot)
    print_figures({**figures, **gradient_cost(data, timed)}, arguments.json)


def predictors(data: Data) -> Mapping[str, Predictor]:
    """All that are on the curve."""

    def ours(config: PhysicsConfig) -> Predictor:
        predict = EpisodePredictor(Model(physics=config), data)
        return lambda _, episode: predict(episode)

    simulators = {f"MuJoCo 1/{rate} s": mujoco_at(1 / rate) for rate in RATES}
    return {name: ours(config) for name, config in OURS.items()} | simulators


def speeds_of(data: Data, everyone: Mapping[str, Predictor], episodes: list[Episode]) -> dict[str, float]:
    """Frames per second of processor time."""
    worlds = [world_of(data, episode) for episode in episodes]
    frames = sum(episode.frames - 1 for episode in episodes)
    found = {}
    for name, predict in everyone.items():
        seconds = []
        for _ in range(REPEATS):
            began = time.process_time()
            for world, episode in zip(worlds, episodes, strict=True):
                predict(world, episode)
            seconds.append(time.process_time() - began)
        found[name] = frames / min(seconds)
    return found


def figures_of(found: Comparison, speeds: Mapping[str, float]) -> dict[str, float | str | None]:
    """Speeds and median errors [mm]."""
    told: dict[str, float | str | None] = {"episodes": found.episodes}
    for name, speed in speeds.items():
        told[f"{name}: frames_per_second"] = speed
        for group in GROUPS:
            told[f"{name}: {group}_mm"] = error_of(found, name, group)
    return told


def error_of(found: Comparison, name: str, group: str) -> float:
    """Median over what moved [mm]."""
    return 1000 * float(np.median(np.concatenate(found.scores[name].position[group, HORIZON, True])))


def gradient_cost(data: Data, episodes: list[Episode], steps: int = 30) -> dict[str, float | str | None]:
    """Processor time of rollouts with their gradients to that of rollouts alone."""
    shapes = cache(lambda digest: shape_of_body(data.body(digest)))
    alone, with_gradients = 0.0, 0.0
    for episode in episodes:
        start, actions = start_of_episode(episode, shapes), actions_of_episode(episode)
        leaves = {name: getattr(start.state, name).clone().requires_grad_() for name in ("linear", "friction")}
        state, seconds = replace(start.state, **leaves), []
        for _ in range(REPEATS):
            began = time.process_time()
            simulate(start.state, start.shapes, actions, episode.dt, steps)
            between = time.process_time()
            simulate_with_gradients(state, start.shapes, actions, episode.dt, steps).position.sum().backward()
            seconds.append((between - began, time.process_time() - between))
        alone += min(first for first, _ in seconds)
        with_gradients += min(second for _, second in seconds)
    return {"rollout_with_gradients_to_rollout": with_gradients / alone}


def plot(figures: Mapping[str, Any], path: Path) -> None:
    """Both curves, one panel a kind of motion."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for axes, group in zip(panels, GROUPS, strict=True):
        for names, style, label in (
            (list(OURS), "o", "splatwm"),
            ([f"MuJoCo 1/{rate} s" for rate in RATES if rate < RATES[0]], "s-", "MuJoCo"),
        ):
            at = [(figures[f"{name}: frames_per_second"], figures[f"{name}: {group}_mm"]) for name in names]
            axes.loglog(*zip(*at, strict=True), style, label=label)
            for i, (name, place) in enumerate(zip(names, at, strict=True)):
                beside = (5, -11 if i % 2 else 5)  # by turns under and over, where labels would meet
                axes.annotate(name.removeprefix("MuJoCo "), place, beside, textcoords="offset points", size=8)
        truth = figures[f"MuJoCo 1/{RATES[0]} s: frames_per_second"]
        axes.axvline(truth, color="gray", linestyle=":", label=f"the truth, 1/{RATES[0]} s")
        axes.set(
            title=group,
            xlabel=f"frames of 1/30 s per second and thread, {OBJECTS} objects",
            ylabel=f"median error at {HORIZON:g} s [mm]",
            xlim=(0.8 * truth, 2.0 * max(v for name, v in figures.items() if name.endswith("per_second"))),
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_formatter(ticker.NullFormatter())
        axes.grid(True, which="both", alpha=0.2)
    panels[0].legend(fontsize=8, loc="upper right")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
