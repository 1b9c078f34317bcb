"""A long run of splatwm's physics: chance pushes of chance things, and whether anything blows up or leaves.

Held-out procedural things from collected episodes lie on the plane z = 0; a ball of 1.5 cm goes to and fro and up and
down among them at up to 0.5 m/s, 500 steps of 1/30 s a world.  A thing has left through the table when its origin is
under the plane, and has gone far when it is a metre beyond where the ball can be: round things may roll there.  Nothing
stops the ball: where it presses a thing against the plane or another thing, deeper than collected episodes may have it,
that thing flies off as a pip does between fingers.  What goes far or is fast is told apart by that.

Then all episodes of all data are predicted; one has blown up when a number is not finite or a thing is a metre from
where it should be.

Usage: python benchmarks/world_model_long_run.py DATA... [--steps 1000000] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import sys
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
from splatwm.evaluate import position_error
from splatwm.model.rigid import rotation_matrix
from splatwm.particles import signed_distances
from splatwm.predict import EpisodePredictor
from splatwm.shapes import BodyShape, ground
from splatwm.simulate import Actions, Trajectory, simulate
from splatwm.state import Start
from splatwm.trained import Model

STEPS, DT = 500, 1 / 30
BALL, SPEED, ROOM = 0.015, 0.5, 0.25  # [m], [m/s], [m] half the side of where the ball goes
FAR = 1.0 + ROOM
FAST = 2.0  # [m/s] of a thing among which nothing goes faster than SPEED
DEEP = 0.003  # [m] of the ball in a thing, beyond which it squeezes
LOST = 1.0  # [m] from the truth
TOLD = 50 * STEPS  # steps after which counts are told on the way


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "data", type=Path, nargs="+", help="things and episodes; those of the first lie in the long run"
    )
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = [open_data(each) for each in arguments.data]
    figures = run(data[0], arguments.steps, arguments.threads, arguments.seed)
    print_figures(figures | blown_up(data), arguments.json)


def run(data: Data, steps: int, threads: int, seed: int) -> dict[str, float | str | None]:
    """What happened in so many steps."""

    @cache
    def shape_of(digest: str) -> BodyShape:
        return shape_of_body(data.body(digest))

    episodes = [episode for episode in data.episodes() if episode.kind == "push" and len(episode.links) == 1]
    rng = np.random.default_rng(seed)
    counts: dict[str, int] = dict.fromkeys(
        ("not_numbers", "through_the_table", "far", "fast", "far_squeezed", "fast_squeezed"), 0
    )
    done, lowest, fastest, began = 0, np.inf, 0.0, time.process_time()
    while done < steps:
        start = world_of(episodes[int(rng.integers(len(episodes)))], shape_of)
        ball = start.state.mass.shape[1] - 1
        path = ball_path(rng, start.state.position[0, ball].numpy())
        turned = torch.tensor([1.0, 0, 0, 0]).expand(1, STEPS, 1, 4)
        moved = simulate(start.state, start.shapes, Actions((ball,), path, turned), DT, threads=threads)
        things = moved.position[0, :, 1:ball]
        speed = (things[1:] - things[:-1]).norm(dim=-1).amax(0) / DT
        far, fast = things.abs().amax((0, 2)) > FAR, speed > FAST
        squeezed = bool((far | fast).any()) and deepest(start, moved, path[0, :, 0]) > DEEP
        counts["not_numbers"] += int((~torch.isfinite(things)).sum())
        counts["through_the_table"] += int((things[..., 2] < 0).any(0).sum())
        for name, which in (("far", far), ("fast", fast)):
            counts[f"{name}_squeezed" if squeezed else name] += int(which.sum())
        lowest = min(lowest, float(things[..., 2].min()))
        if not squeezed:
            fastest = max(fastest, float(speed.max()))
        done += STEPS
        if done % TOLD == 0:
            sys.stderr.write(f"{done}/{steps}: {counts}, lowest {1000 * lowest:.1f} mm, fastest {fastest:.2f} m/s\n")
    return {
        "steps": done,
        "worlds": done // STEPS,
        **counts,
        "lowest_origin_mm": 1000 * lowest,
        "fastest_not_squeezed_m_per_s": fastest,
        "steps_per_second": done / (time.process_time() - began),
    }


def deepest(start: Start, moved: Trajectory, ball: torch.Tensor) -> float:  # …, (STEPS, 3) [m] → [m]
    """How deep the ball is in a thing at worst."""
    found = 0.0
    for row in range(1, start.state.mass.shape[1] - 1):
        turn = rotation_matrix(moved.wxyz[0, :, row])
        there = (turn.transpose(-1, -2) @ (ball - moved.position[0, :, row])[..., None])[..., 0]
        gaps = signed_distances(start.shapes[int(start.state.shape[0, row])], there.numpy()) - BALL
        found = max(found, -float(gaps.min()))
    return found


def blown_up(data: list[Data]) -> dict[str, float | str | None]:
    """How many of all episodes."""
    scenes = lost = 0
    for each in data:
        predict = EpisodePredictor(Model(), each)
        for episode in each.episodes():
            far = position_error(predict(episode)[0], episode.position)
            lost += int(not np.isfinite(far).all() or far.max() > LOST)
            scenes += 1
    return {"scenes": scenes, "blown_up": lost}


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
