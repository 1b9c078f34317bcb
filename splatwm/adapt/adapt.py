"""Adapting a model to a recording: its numbers, what is known of each, and what the recording cannot tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.bodies import Body
from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.adapt.doubt import doubt_of
from splatwm.adapt.intervals import Identified, identify, identify_one, without_each
from splatwm.adapt.parameters import chosen_parameters, place_of, stated_values
from splatwm.adapt.problem import Problem
from splatwm.adapt.profile import take_profile
from splatwm.adapt.search import SearchConfig, curvature, search
from splatwm.adapt.start import FINE, recorded_values, tossed_values
from splatwm.data import Recording, require_body
from splatwm.evaluate import mean_over_steps, position_error, rotation_error
from splatwm.recorded import RecordingPredictor
from splatwm.trained import Model

__all__ = ["AdaptConfig", "Adapted", "Errors", "adapt", "recording_errors"]

NEVER = {
    "mass": "a lone body on a plane, under gravity and beside a robot that goes where it is told, moves alike with any "
    "mass: weigh it, or record forces"
}


@dataclass(frozen=True)
class AdaptConfig:
    """What is adapted, and from what."""

    parameters: tuple[str, ...] | None = None
    """Numbers that are sought; None: of pushes friction, of tosses all that they can tell."""
    episodes: int | None = None
    """Only the first so many."""
    steps: int | None = None
    """Only so many frames of each episode after its first."""
    position: float = 0.008
    """Error of position [m] that counts as much as …"""
    rotation: float = 0.15
    """… this one of rotation [rad]."""
    substep: float | None = None
    """Of the adapted model [s], with Coulomb's law in impacts; None: what it has where a robot pushes, and 0.4 ms where
    things fly and hit."""
    threads: int = 1
    """Predictions at a time; what is found does not depend on it."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """How numbers are sought."""


@dataclass(frozen=True)
class Errors:
    """Of episodes: the mean over each one's frames, and of these the mean and the median."""

    episodes: int
    mean_m: float
    median_m: float
    mean_rad: float
    median_rad: float


@dataclass(frozen=True)
class Adapted:
    """What an adaptation found."""

    model: Model
    identified: tuple[Identified, ...]
    refused: dict[str, str]  # numbers that no such recording can tell, and why
    before: Errors  # of the model as it was, on the episodes that were learned from
    after: Errors  # of the adapted model on the same
    intervals: str  # where the adapted model's intervals of position are from


def adapt(
    model: Model,
    recording: Recording,
    body: Body,
    config: AdaptConfig = AdaptConfig(),
    *,
    episodes: Sequence[int] | None = None,
    journal: Path | None = None,
    report: Reporter = silent,
) -> Adapted:
    """Fit a model's numbers to a recording of one body.

    Args:
        model: what is adapted; it stays as it is.
        recording: what somebody recorded.
        body: what was recorded.
        config: what is sought and how.
        episodes: which episodes are learned from, instead of the first ones.
        journal: a file in which the search is kept, so that it goes on after a kill.
        report: told of every round.

    Raises:
        UsageError: a parameter is not known, or there is nothing to learn from.
        RecordingError: the body does not fit the recording.
    """
    require_body(recording, body)
    chosen = list(range(len(recording)))[: config.episodes] if episodes is None else [int(i) for i in episodes]
    if not chosen or config.threads < 1 or not min(config.position, config.rotation, config.substep or 1) > 0:
        raise UsageError("nothing to learn from: give episodes, threads and scales above 0")
    predictor, given = RecordingPredictor(recording, body, chosen, config.steps), model
    if config.substep is not None or not predictor.has_links:
        fine = config.substep or FINE
        cuts = int(np.clip(np.ceil(recording.dt / fine), 1, 1000))
        model = replace(model, physics=replace(model.physics, law="coulomb", substeps=cuts, timestep=fine))
    wanted = None if config.parameters is None else [name for name in config.parameters if name not in NEVER]
    parameters = chosen_parameters(wanted, body, predictor.has_links)
    problem = Problem(model, body, predictor, parameters, position=config.position, rotation=config.rotation)
    key = _key(model, recording, body, chosen, config)
    seen = {} if predictor.has_links else tossed_values(body) | recorded_values(recording, body, chosen)
    start = place_of(stated_values(model, body) | seen, parameters)
    if len(parameters) == 1:
        profile = take_profile(problem, threads=config.threads, journal=journal, key=key, report=report)
        place = np.array([profile.quantile(0.5)])
        identified = [identify_one(parameters[0], profile, len(chosen))]
        without = np.tile(place, (len(chosen), 1))  # one number, of many frames: what one episode adds is little
    else:
        place = search(problem, start, config.search, threads=config.threads, journal=journal, key=key, report=report)
        with ThreadPoolExecutor(config.threads) as pool:
            near = curvature(problem, place, problem.residuals(place), config.search.step, pool)
        identified = identify(parameters, place, near)
        without = without_each(place, near)
    found = problem.model_at(place)
    doubt = doubt_of(given, problem, place, without)
    before, after = (recording_errors(each, predictor) for each in (model, found))
    card = model.card | {"adaptation": _card(recording, len(chosen), identified, before, after, doubt.source)}
    adapted = replace(found, card=card, calibration=doubt.calibration)
    return Adapted(adapted, tuple(identified), dict(NEVER), before, after, doubt.source)


def recording_errors(model: Model, predictor: RecordingPredictor) -> Errors:
    """How far a model's predictions of a recording's episodes are off."""
    position, wxyz = predictor(model)
    far, turned = position_error(position, predictor.position), rotation_error(wxyz, predictor.wxyz)
    steps = predictor.frames - 1
    means = np.array([[mean_over_steps(row, steps) for row in error] for error in (far, turned)])
    (mean_m, mean_rad), (median_m, median_rad) = means.mean(1), np.median(means, axis=1)
    return Errors(len(predictor), float(mean_m), float(median_m), float(mean_rad), float(median_rad))


def _key(model: Model, recording: Recording, body: Body, chosen: list[int], config: AdaptConfig) -> str:
    """What a journal must be of: the same in every call that asks for the same."""
    asked = {name: value for name, value in asdict(config).items() if name != "threads"}
    told = [asdict(model.physics), model.body and asdict(model.body), chosen, asked, recording.dt, body.mass]
    digest = hashlib.sha256(json.dumps(told, default=str).encode())
    for i in chosen:
        digest.update(recording.position[i].tobytes() + recording.wxyz[i].tobytes())
    for array in (body.surface.vertices, body.inertia, body.center_of_mass):
        digest.update(np.ascontiguousarray(array, np.float64).tobytes())
    return digest.hexdigest()


def _card(
    recording: Recording, episodes: int, identified: Sequence[Identified], before: Errors, after: Errors, intervals: str
) -> dict[str, Any]:
    return {
        "episodes": episodes,
        "dt": recording.dt,
        "notes": list(recording.notes),
        "identified": [asdict(each) for each in identified],
        "refused": dict(NEVER),
        "errors_before": asdict(before),
        "errors_after": asdict(after),
        "intervals": intervals,
        "limits": "errors are of the episodes that were learned from",
    }
