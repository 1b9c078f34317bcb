"""How sure an adapted model may be of positions: its errors on the recording become its intervals.

Errors of episodes that a model was fitted to are too small; so each is predicted with the numbers that would have been
found without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatwm.adapt.problem import Problem
from splatwm.evaluate import position_error
from splatwm.trained import Calibration, Model, conformal_quantile

__all__ = ["Doubt", "doubt_of"]

Array = NDArray[np.float64]
FEWEST, ENOUGH = 2, 9  # episodes that tell anything, and nine of ten
HORIZONS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # [s]
LEAST = 1e-5  # [m]


class Doubt(NamedTuple):
    """Intervals of an adapted model, and where they are from."""

    calibration: Calibration | None
    source: str


def doubt_of(before: Model, problem: Problem, place: Array, without: Array) -> Doubt:  # …, (P,), (E, P)
    """The calibration of the model with the numbers at ``place``.

    Args:
        before: the model as it was.
        problem: with the recording.
        place: what was found.
        without: what would have been found without each episode.
    """
    found = problem.model_at(place)
    predictor = problem.predictor
    if found.physics == before.physics:
        return Doubt(before.calibration, "as before: of the physics that scenes are predicted with nothing has changed")
    spread = predictor.spread(found)
    error = np.concatenate([_errors(problem, i, each) for i, each in enumerate(without)])
    lengths = np.isfinite(predictor.position[..., 0]).sum(1)
    cut = [(s[:n, None], e[:n, None]) for s, e, n in zip(spread, error, lengths, strict=True)]
    count, fresh = len(predictor), _calibrated(cut, predictor.dt)
    if fresh is None:
        return Doubt(None, f"none: {count} episodes of {lengths.max()} frames are too few to find any")
    source = f"of {count} recorded episodes, each predicted as if it had not been learned from"
    if count < ENOUGH:
        source += f"; so few hold only {count} of {count + 1} errors, not nine of ten"
    return Doubt(fresh, source)


def _errors(problem: Problem, episode: int, place: Array) -> Array:  # (1, T) [m]
    alone = problem.predictor.only([episode])
    position, _ = alone(problem.model_at(place))
    return position_error(position, alone.position)


def _calibrated(cut: list[tuple[Array, Array]], dt: float) -> Calibration | None:  # of (T, 1) spreads and errors
    """Factors that hold nine of ten errors, of few episodes all, at horizons that some reach; None if there is none.

    While things fly an ensemble hardly parts, and recordings err: so half of all errors are the floor.
    """
    rows = []
    for horizon in HORIZONS:
        row = round(horizon / dt)
        reached = np.array([(s[row, 0], e[row, 0]) for s, e in cut if len(s) > row]).reshape(-1, 2)
        if len(reached) >= FEWEST:
            spread, error = reached.T
            floor = max(LEAST, float(np.median(error)))
            rows.append((horizon, conformal_quantile(error / (spread + floor)), floor))
    return Calibration(*np.array(rows).T) if rows else None
