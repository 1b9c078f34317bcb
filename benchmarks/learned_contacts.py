"""What the network inside the solver gains: errors against speed, with it and without, at several substeps.

Each model rolls out collected episodes again from their first frame, on one thread.  Speeds are frames of 1/30 s per
second of processor time inside the native call; errors are over the objects that have moved by then, after 0.5, 1 and 2
seconds, in millimetres: median (mean, 90th percentile).

Usage: python benchmarks/learned_contacts.py --on DATA [--models A.safetensors …] [--substeps 1 2 4 …] [-n 208] [--json]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from measuring import print_figures

from splatwm import _native
from splatwm.config import PhysicsConfig
from splatwm.data import Data, Episode, open_data
from splatwm.episodes import actions_of_episode, shape_of_body, start_of_episode
from splatwm.evaluate import GROUPS, has_moved, position_error, rotation_error
from splatwm.shapes import BodyShape
from splatwm.simulate import Actions, simulate
from splatwm.state import Start
from splatwm.trained import load_model

HORIZONS = (0.5, 1.0, 2.0)  # [s]


@dataclass(frozen=True)
class Case:
    """An episode as the native call takes it."""

    episode: Episode
    start: Start
    actions: Actions | None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", type=Path, required=True, help="trajectories that splatwm collect wrote")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="with networks; their own substeps are used")
    parser.add_argument(
        "--substeps", type=int, nargs="*", default=[1, 2, 4, 8, 16], help="of the solver without network"
    )
    parser.add_argument("-n", type=int, default=208, help="episodes, evenly spread")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cases = _cases(open_data(arguments.on), arguments.n)
    figures: dict[str, float | str | None] = {"episodes": len(cases)}
    for count in arguments.substeps:
        figures |= _measure(f"analytic_{count}", cases, PhysicsConfig(substeps=count), None)
    for path in arguments.models:
        model = load_model(path)
        network = model.network.native() if model.network is not None else None
        figures |= _measure(path.stem, cases, model.physics, network)
    print_figures(figures, arguments.json)


def _cases(data: Data, most: int) -> list[Case]:
    @cache
    def shape_of(digest: str) -> BodyShape:
        return shape_of_body(data.body(digest))

    return [Case(e, start_of_episode(e, shape_of), actions_of_episode(e)) for e in data.episodes(most)]


def _measure(name: str, cases: list[Case], physics: PhysicsConfig, network: _native.Network | None) -> dict[str, float]:
    spent, frames = 0.0, 0
    errors: dict[tuple[str, float], list[np.ndarray]] = {}
    for case in cases:
        e, steps = case.episode, case.episode.frames - 1
        begin = time.process_time()
        moved = simulate(case.start.state, case.start.shapes, case.actions, e.dt, steps, physics, network=network)
        spent, frames = spent + time.process_time() - begin, frames + steps
        things = slice(1, 1 + len(e.names))
        for horizon in HORIZONS:
            row = round(horizon / e.dt)
            went = has_moved(e.position[: row + 1], e.wxyz[: row + 1])
            far = 1000 * position_error(moved.position[0, row - 1, things].numpy(), e.position[row])
            turned = np.degrees(rotation_error(moved.wxyz[0, row - 1, things].double().numpy(), e.wxyz[row]))
            errors.setdefault((GROUPS[e.kind], horizon), []).append(np.stack([far, turned])[:, went])
    figures = {f"{name} frames_per_second": frames / spent}
    for (group, horizon), parts in errors.items():
        far, turned = np.concatenate(parts, axis=1)
        if len(far):
            place = f"{name} {group} {horizon:g}s"
            figures[f"{place} median_mm"] = float(np.median(far))
            figures[f"{place} mean_mm"] = float(far.mean())
            figures[f"{place} p90_mm"] = float(np.quantile(far, 0.9))
            figures[f"{place} median_deg"] = float(np.median(turned))
    return figures


if __name__ == "__main__":
    main()
