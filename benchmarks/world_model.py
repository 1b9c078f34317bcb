"""How fast and how far from MuJoCo at 1/480 s splatwm's physics is, beside MuJoCo with larger steps.

Random pushes on held-out procedural things are collected once (``--data`` keeps them); then each model rolls them out
again from their first frame, on one thread.  Speeds are frames of 1/30 s per second of processor time; errors are over
the objects that have moved by then, in millimetres.

Usage: python benchmarks/world_model.py [--json] [--episodes 60] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from measuring import print_figures

from splatwm.config import PhysicsConfig
from splatwm.data import CollectConfig, Data, Episode, EpisodeConfig, Links, Sources, World, collect, replay
from splatwm.episodes import actions_of_episode, shape_of_body, start_of_episode
from splatwm.evaluate import has_moved, position_error
from splatwm.shapes import BodyShape
from splatwm.simulate import simulate
from splatwm.state import Start

SECONDS = (0.5, 1.0, 2.0)
PUSHES = EpisodeConfig(push=1, drop=0, stack=0, topple=0, lift=0)
Predict = Callable[[Episode], tuple[np.ndarray, float]]  # positions (T, O, 3), seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--data", type=Path, help="folder that keeps the pushes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = collect(
            Sources((), max(1, arguments.episodes // 4), "held-out"),
            arguments.data or Path(scratch) / "pushes",
            CollectConfig(episodes=arguments.episodes, episode=PUSHES),
        )
        print_figures(figures_of(data), arguments.json)


def figures_of(data: Data) -> dict[str, float | str | None]:
    """Speeds and errors of all models on all episodes."""
    episodes = list(data.episodes())
    starts = _starts(data, episodes)
    speeds, figures = {}, {}
    for dt, name in ((1 / 30, "ours_30"), (1 / 60, "ours_60"), (1 / 120, "ours_120")):
        speeds[name], errors = _measure(episodes, _ours(starts, dt))
        figures |= {f"{name}_{key}": value for key, value in errors.items()}
    for rate in (480, 120, 60, 30):
        speeds[f"mujoco_{rate}"], errors = _measure(episodes, _mujoco(data, 1 / rate))
        if rate < 480:
            figures |= {f"mujoco_{rate}_{key}": value for key, value in errors.items()}
    return {
        "steps_per_second_per_thread": speeds["ours_30"],
        "vs_mujoco_480": speeds["ours_30"] / speeds["mujoco_480"],
        "vs_mujoco_120": speeds["ours_30"] / speeds["mujoco_120"],
        "episodes": len(episodes),
        "objects_each": float(np.mean([len(episode.names) for episode in episodes])),
        "pieces_each": float(np.mean([len(shape.pieces) for start in starts.values() for shape in start.shapes[1:]])),
        **{f"{name}_steps_per_second": speed for name, speed in speeds.items()},
        **figures,
    }


def _starts(data: Data, episodes: list[Episode]) -> dict[int, Start]:
    @cache
    def shape_of(digest: str) -> BodyShape:
        return shape_of_body(data.body(digest))

    return {id(episode): start_of_episode(episode, shape_of) for episode in episodes}


def _measure(episodes: list[Episode], predict: Predict) -> tuple[float, dict[str, float]]:
    """Frames per second, and errors [mm] over time."""
    errors: dict[float, list[float]] = {seconds: [] for seconds in SECONDS}
    spent, frames = 0.0, 0
    for episode in episodes:
        position, seconds = predict(episode)
        spent, frames = spent + seconds, frames + episode.frames - 1
        for horizon in SECONDS:
            frame = round(horizon / episode.dt)
            moved = has_moved(episode.position[: frame + 1], episode.wxyz[: frame + 1])
            errors[horizon] += (1000 * position_error(position[frame], episode.position[frame])[moved]).tolist()
    figures = {}
    for horizon, values in errors.items():
        figures[f"push_median_mm_{horizon:g}s"] = float(np.median(values))
        figures[f"push_mean_mm_{horizon:g}s"] = float(np.mean(values))
        figures[f"push_p90_mm_{horizon:g}s"] = float(np.percentile(values, 90))
    return frames / spent, figures


def _ours(starts: dict[int, Start], dt: float) -> Predict:
    def predict(episode: Episode) -> tuple[np.ndarray, float]:
        start, every = starts[id(episode)], round(episode.dt / dt)
        actions = actions_of_episode(episode, dt)
        begin = time.process_time()
        moved = simulate(start.state, start.shapes, actions, dt, (episode.frames - 1) * every, PhysicsConfig())
        spent = time.process_time() - begin
        objects = moved.position[0, every - 1 :: every, 1 : 1 + len(episode.names)].numpy()
        return np.concatenate([episode.position[:1], objects]), spent

    return predict


def _mujoco(data: Data, timestep: float) -> Predict:
    def predict(episode: Episode) -> tuple[np.ndarray, float]:
        bodies = {name: data.body(digest) for name, digest in zip(episode.names, episode.bodies, strict=True)}
        world = World(bodies, data.body(episode.background), Links(episode.links, episode.shapes))
        world.set_timestep(timestep)
        begin = time.process_time()
        position, _ = replay(world, episode)
        return position, time.process_time() - begin

    return predict


if __name__ == "__main__":
    main()
