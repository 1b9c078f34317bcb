"""The mark to beat on real tosses: MuJoCo with fourteen parameters fitted by CMA-ES to some, judged on others.

The 470 tosses are shuffled by ``--split-seed``; the first 214 are for testing and are looked at only to be judged, the
others are the pool, whose first 4, 8, 16, 32, 64 are fitted.  A toss's error is the mean over its first 80 frames.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cma
import numpy as np
import tyro
from cube_model import DEFAULTS, HAND_TUNED, PARAMETERS, Settings, Start, roll_out, settings_at
from numpy.typing import NDArray

from splatwm.data import Recording, read_recording, split_episodes
from splatwm.evaluate import mean_over_steps, paired_bootstrap, position_error, rotation_error, summarize

Array = NDArray[np.float64]
RECORDING = Path(__file__).parents[2] / "shared" / "real" / "cube_tosses.npz"
STEPS = 80
TESTING = 214
POSITION, ROTATION = 0.008, 0.15  # [m], [rad] that count the same in the loss


@dataclass(frozen=True)
class Options:
    """What is fitted, and how long."""

    recording: Path = RECORDING
    """Tosses as ../shared/README.md describes them."""
    tosses: tuple[int, ...] = (4, 8, 16, 32, 64)
    """How many tosses are fitted, each for itself."""
    evaluations: int = 3200
    """Rollouts of all fitted tosses in one fit."""
    population: int = 32
    """Candidates a generation."""
    seed: int = 1
    """Of CMA-ES."""
    split_seed: int = 0
    """Of the split into test and pool."""
    cache: Path | None = None
    """A folder where fits are kept, so that a second run does not repeat them."""
    errors: Path | None = None
    """An npz of the errors of each test toss for comparisons in pairs."""
    json: bool = False
    """Print one flat JSON object."""


class Tosses(NamedTuple):
    """Tosses with their truth, padded with NaN."""

    start: Start
    position: Array  # (N, STEPS + 1, 3) [m]
    wxyz: Array  # (N, STEPS + 1, 4)
    dt: float


class Errors(NamedTuple):
    """Of each toss."""

    position: Array  # (N,) [m]
    rotation: Array  # (N,) [rad]


def tosses_of(recording: Recording, numbers: NDArray[np.int64]) -> Tosses:
    """Some tosses of a recording."""
    position = np.full((len(numbers), STEPS + 1, 3), np.nan)
    wxyz = np.full((len(numbers), STEPS + 1, 4), np.nan)
    for row, i in enumerate(numbers):
        frames = min(STEPS + 1, len(recording.position[i]))
        position[row, :frames] = recording.position[i][:frames]
        wxyz[row, :frames] = recording.wxyz[i][:frames]
    velocity = np.array([recording.velocity[i][0] for i in numbers])
    spin = np.array([recording.spin[i][0] for i in numbers])
    return Tosses(Start(position[:, 0], wxyz[:, 0], velocity, spin), position, wxyz, recording.dt)


def judge(settings: Settings, tosses: Tosses) -> Errors:
    """Mean errors over the first frames of each toss."""
    position, wxyz = roll_out(settings, tosses.start, STEPS, tosses.dt)
    far, turned = position_error(position, tosses.position), rotation_error(wxyz, tosses.wxyz)
    means = [[mean_over_steps(row, STEPS) for row in error] for error in (far, turned)]
    return Errors(np.array(means[0]), np.array(means[1]))


def fit(tosses: Tosses, options: Options) -> Settings:
    """Where CMA-ES ends up (Hansen 2016, "The CMA evolution strategy: a tutorial"): the mean of its distribution.

    The loss is the mean position error over 8 mm plus the mean rotation error over 0.15 rad.
    """

    def loss(place: Array) -> float:
        errors = judge(settings_at(place), tosses)
        return float(errors.position.mean() / POSITION + errors.rotation.mean() / ROTATION)

    limits = {"bounds": [0, 1], "popsize": options.population, "maxfevals": options.evaluations}
    search = cma.CMAEvolutionStrategy(
        np.full(len(PARAMETERS), 0.5), 0.25, {**limits, "seed": options.seed, "verbose": -9}
    )
    started = time.monotonic()
    while not search.stop():
        places = search.ask()
        search.tell(places, [loss(place) for place in places])
        if search.countiter % 20 == 0:
            left = f"{search.countevals}/{options.evaluations}, {time.monotonic() - started:.0f} s"
            sys.stderr.write(f"fitting {len(tosses.position)} tosses: {left}, loss {search.best.f:.3f}\n")
    return settings_at(search.result.xfavorite)


def fitted(tosses: Tosses, options: Options) -> tuple[Settings, float | None]:
    """The fit, and the seconds it took; from the cache where it is there, with the seconds of then."""
    key = [options.evaluations, options.population, options.seed, options.split_seed, PARAMETERS]
    digest = hashlib.sha256(tosses.position.tobytes() + json.dumps(key).encode()).hexdigest()[:16]
    path = options.cache / f"{digest}.json" if options.cache else None
    if path and path.exists():
        kept = json.loads(path.read_text())
        return Settings(**kept["settings"]), kept["seconds"]
    started = time.monotonic()
    settings = fit(tosses, options)
    seconds = time.monotonic() - started
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"settings": asdict(settings), "seconds": seconds}))
    return settings, seconds


def figures_of(name: str, errors: Errors, rng: np.random.Generator) -> dict[str, float]:
    """Mean, its interval, and median of both errors."""
    far, turned = summarize(1000 * errors.position, rng), summarize(errors.rotation, rng)
    return {
        f"{name}_mm": far.mean.value,
        f"{name}_mm_low": far.mean.low,
        f"{name}_mm_high": far.mean.high,
        f"{name}_mm_median": far.median.value,
        f"{name}_rad": turned.mean.value,
        f"{name}_rad_low": turned.mean.low,
        f"{name}_rad_high": turned.mean.high,
        f"{name}_rad_median": turned.median.value,
    }


def main(options: Options) -> None:
    """Fit, judge, print."""
    recording = read_recording(options.recording)
    split = split_episodes(len(recording), TESTING, options.split_seed)
    test, rng = tosses_of(recording, split.test), np.random.default_rng(0)
    found = {"untuned": judge(DEFAULTS, test), "hand_tuned": judge(HAND_TUNED, test)}
    figures: dict[str, Any] = {"test_tosses": len(split.test), "gravity_seen": recording.gravity}
    for count in options.tosses:
        settings, seconds = fitted(tosses_of(recording, split.pool[:count]), options)
        found[f"fitted_{count}"] = judge(settings, test)
        figures[f"fitted_{count}_seconds"] = seconds
        figures |= {f"fitted_{count}_{p.name}": getattr(settings, p.name) for p in PARAMETERS}
    for name, errors in found.items():
        figures |= figures_of(name, errors, rng)
    best = found[f"fitted_{max(options.tosses)}"]
    for name in ("untuned", "hand_tuned"):
        difference = paired_bootstrap(best.position, found[name].position, rng)
        figures[f"fitted_minus_{name}_mm"] = 1000 * difference.difference
        figures[f"fitted_minus_{name}_mm_high"] = 1000 * difference.high
    if options.errors:
        arrays = {f"{name}_{part}": getattr(e, part) for name, e in found.items() for part in Errors._fields}
        np.savez(options.errors, test=split.test, **arrays)
    rounded = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps(rounded) if options.json else "\n".join(f"{k:32s} {v}" for k, v in rounded.items()))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
