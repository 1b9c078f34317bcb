"""splatwm on real tosses: adapted to the first N of the pool, judged on others, beside MuJoCo fitted to as many.

The split, the frames and the errors are those of cube_tosses.py; what it wrote with ``--errors`` is compared in pairs.
Test tosses are looked at only to be judged.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from cube_tosses import RECORDING, STEPS, TESTING, Errors, figures_of

from scan2sim.bodies import read_body
from splatwm.adapt import AdaptConfig, adapt
from splatwm.data import Recording, read_recording, split_episodes
from splatwm.evaluate import mean_over_steps, paired_bootstrap, position_error, rotation_error
from splatwm.learning import write_curves
from splatwm.recorded import RecordingPredictor
from splatwm.trained import Model, load_model, save_model

CUBE = "box:0.1048x0.1048x0.1048,mass=0.37,inertia=0.00081"


@dataclass(frozen=True)
class Options:
    """What is adapted, and to how much."""

    recording: Path = RECORDING
    """Tosses as ../shared/README.md describes them."""
    tosses: tuple[int, ...] = (4, 8, 16, 32, 64)
    """How many are learned from, each for itself."""
    split_seed: int = 0
    """Of the split into test and pool."""
    on: str = "test"
    """Which tosses judge: test, or the rest of the pool (“pool”), by which everything was chosen."""
    models: Path | None = None
    """A folder where adapted models are kept, so that a second run does not adapt again."""
    mujoco: tuple[Path, ...] = ()
    """What cube_tosses.py --errors wrote, once or several times."""
    plot: Path | None = None
    """A picture of the learning curve to write."""
    json: bool = False
    """Print one flat JSON object."""


def judge(model: Model, recording: Recording, episodes: np.ndarray) -> Errors:
    """Mean errors over the first frames of each toss."""
    predictor = RecordingPredictor(recording, read_body(CUBE), episodes, STEPS)
    position, wxyz = predictor(model)
    errors = position_error(position, predictor.position), rotation_error(wxyz, predictor.wxyz)
    return Errors(*(np.array([mean_over_steps(row, STEPS) for row in error]) for error in errors))


def adapted(recording: Recording, episodes: np.ndarray, options: Options) -> tuple[Model, dict[str, Any]]:
    """A model adapted to some tosses, or the one that was kept; and its seconds."""
    path = options.models / f"{len(episodes)}.safetensors" if options.models else None
    if path and path.exists():
        model = load_model(path)
        return model, model.card["cube"]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    started = time.process_time()

    def report(what: str, done: int, total: int) -> None:
        sys.stderr.write(f"{len(episodes)} tosses, {done}/{total}: {what}\n")

    journal = path.with_suffix(".json") if path else None
    config, body, chosen = AdaptConfig(steps=STEPS), read_body(CUBE), episodes.tolist()
    found = adapt(Model(), recording, body, config, episodes=chosen, journal=journal, report=report)
    told = {"seconds": time.process_time() - started, "parameters": [asdict(each) for each in found.identified]}
    model = replace(found.model, card=found.model.card | {"cube": told})
    if path:
        save_model(model, path)
    return model, told


def draw(path: Path, ours: dict[int, Errors], peers: dict[int, Errors]) -> None:
    """Mean errors over how many tosses were learned from."""
    diagrams = {}
    for part, factor, unit in zip(Errors._fields, (1000, 1), ("mm", "rad"), strict=True):
        curves = {
            name: [(count, factor * float(getattr(errors, part).mean())) for count, errors in sorted(found.items())]
            for name, found in (("splatwm", ours), ("MuJoCo, fitted", peers))
        }
        diagrams[f"{part} [{unit}], mean of {STEPS} frames, over tosses learned from"] = curves
    write_curves(path, diagrams)


def main(options: Options) -> None:
    """Adapt, judge, compare."""
    recording = read_recording(options.recording)
    split = split_episodes(len(recording), TESTING, options.split_seed)
    judged = split.test if options.on == "test" else split.pool[max(options.tosses) :]
    rng = np.random.default_rng(0)
    ours: dict[int, Errors] = {}
    figures: dict[str, Any] = {"judged_tosses": len(judged)}
    peers: dict[int, Errors] = {}
    for path in options.mujoco:
        with np.load(path) as kept:
            for name in kept.files:
                tosses = name.removeprefix("fitted_").removesuffix("_position")
                if tosses.isdigit():
                    peers[int(tosses)] = Errors(kept[name], kept[f"fitted_{tosses}_rotation"])
    for count in options.tosses:
        model, told = adapted(recording, split.pool[:count], options)
        errors = judge(model, recording, judged)
        ours[count] = errors
        figures |= figures_of(f"adapted_{count}", errors, rng)
        figures[f"adapted_{count}_seconds"] = told["seconds"]
        for each in told["parameters"]:
            figures[f"adapted_{count}_{each['name']}"] = each["value"]
            figures[f"adapted_{count}_{each['name']}_low"] = each["low"]
            figures[f"adapted_{count}_{each['name']}_high"] = each["high"]
            figures[f"adapted_{count}_{each['name']}_told"] = each["identified"]
        if count in peers and options.on == "test":
            for part, factor in (("position", 1000), ("rotation", 1)):
                gap = paired_bootstrap(getattr(errors, part), getattr(peers[count], part), rng)
                figures[f"adapted_{count}_minus_mujoco_{part}"] = factor * gap.difference
                figures[f"adapted_{count}_minus_mujoco_{part}_low"] = factor * gap.low
                figures[f"adapted_{count}_minus_mujoco_{part}_high"] = factor * gap.high
                figures[f"adapted_{count}_minus_mujoco_{part}_p"] = gap.p_value
    if options.plot:
        draw(options.plot, ours, peers if options.on == "test" else {})
    rounded = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(rounded) if options.json else "\n".join(f"{k:40s} {v}" for k, v in rounded.items()))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
