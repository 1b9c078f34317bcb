"""A long run of splatwm's physics: chance pushes of chance things, and whether anything blows up or leaves.

Held-out procedural things from collected episodes lie on the plane z = 0; a ball of 1.5 cm goes to and fro among them
at up to 0.5 m/s, 500 steps of 1/30 s a world.  A thing has left when its origin is under the plane or farther than a
metre beyond where the ball can be.

Usage: python benchmarks/world_model_long_run.py DATA [--steps 1000000] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from measuring import print_figures

from splatwm.data import Data, Episode, open_data
from splatwm.episodes import shape_of_body, start_of_episode
from splatwm.shapes import BodyShape, ground
from splatwm.simulate import Actions, simulate
from splatwm.state import Start

STEPS, DT = 500, 1 / 30
BALL, SPEED, ROOM = 0.015, 0.5, 0.25  # [m], [m/s], [m] half the side of where the ball goes
FAR = 1.0 + ROOM


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = run(open_data(arguments.data), arguments.steps, arguments.threads, arguments.seed)
    print_figures(figures, arguments.json)


def run(data: Data, steps: int, threads: int, seed: int) -> dict[str, float | str | None]:
    """What happened in so many steps."""

    @cache
    def shape_of(digest: str) -> BodyShape:
        return shape_of_body(data.body(digest))

    episodes = [episode for episode in data.episodes() if episode.kind == "push" and len(episode.links) == 1]
    rng = np.random.default_rng(seed)
    done = lost = broken = 0
    lowest, fastest, began = np.inf, 0.0, time.process_time()
    while done < steps:
        start = world_of(episodes[int(rng.integers(len(episodes)))], shape_of)
        ball = start.state.mass.shape[1] - 1
        path = ball_path(rng, start.state.position[0, ball].numpy())
        turned = torch.tensor([1.0, 0, 0, 0]).expand(1, STEPS, 1, 4)
        moved = simulate(start.state, start.shapes, Actions((ball,), path, turned), DT, threads=threads)
        things = moved.position[0, :, 1:ball]
        finite = torch.isfinite(things).all(-1)
        broken += int((~finite).sum())
        lost += int(((things[..., 2] < 0) | (things.abs().amax(-1) > FAR)).any(0).sum())
        lowest = min(lowest, float(things[..., 2].min()))
        fastest = max(fastest, float((things[1:] - things[:-1]).norm(dim=-1).max()) / DT)
        done += STEPS
    return {
        "steps": done,
        "not_numbers": broken,
        "things_that_left": lost,
        "lowest_origin_mm": 1000 * lowest,
        "fastest_m_per_s": fastest,
        "steps_per_second": done / (time.process_time() - began),
    }


def world_of(episode: Episode, shape_of: Callable[[str], BodyShape]) -> Start:
    """The things of an episode on an endless plane, with the ball beside them."""
    start = start_of_episode(replace(episode, shapes=(f"sphere:{BALL}",)), shape_of)
    start.state.wxyz[0, -1] = torch.tensor([1.0, 0, 0, 0])
    return replace(start, shapes=(ground(), *start.shapes[1:]))


def ball_path(rng: np.random.Generator, begin: np.ndarray) -> torch.Tensor:  # (1, STEPS, 1, 3)
    """Straight ways between chance places, low over the plane."""
    places, at = [], begin.astype(float)
    while len(places) < STEPS:
        goal = np.append(rng.uniform(-ROOM, ROOM, 2), rng.uniform(BALL + 0.002, 0.06))
        parts = max(1, int(np.ceil(np.linalg.norm(goal - at) / (rng.uniform(0.05, SPEED) * DT))))
        places += list(at + (goal - at) * np.arange(1, parts + 1)[:, None] / parts)
        at = goal
    return torch.tensor(np.array(places[:STEPS]), dtype=torch.float32)[None, :, None]


if __name__ == "__main__":
    main()
