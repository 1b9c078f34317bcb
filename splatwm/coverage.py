"""Whether a model's intervals hold: the share of errors that lie within what it said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scan2sim.progress import Reporter, silent
from splatwm.data import Data
from splatwm.evaluate import HORIZONS, has_moved, position_error
from splatwm.predict import EpisodePredictor

__all__ = ["Coverage", "interval_coverage"]


@dataclass(frozen=True)
class Coverage:
    """Of nine of ten errors, how many lay within their intervals at one horizon."""

    horizon: float  # [s]
    all: float  # share of all objects
    moved: float  # share of those that had moved by then; NaN if none had
    median_half_width: float  # [m] of those that had moved
    cases: int


def interval_coverage(
    predict: EpisodePredictor,
    data: Data,
    most: int | None = None,  # episodes
    report: Reporter = silent,
) -> list[Coverage]:
    """How often the 90 % intervals of a calibrated model hold, by horizon.

    Raises:
        ValueError: the model has no calibration.
        DataError: the data are damaged.
    """
    calibration = predict.model.calibration
    if calibration is None:
        raise ValueError("the model has no calibration")
    found: dict[float, list[np.ndarray]] = {horizon: [] for horizon in HORIZONS}
    total = min(len(data), most or len(data))
    for count, episode in enumerate(data.episodes(most), start=1):
        position, _, spread = predict.with_spread(episode)
        far = position_error(position, episode.position)
        width = calibration.half_width(spread, np.arange(episode.frames, dtype=np.float64) * episode.dt)
        for horizon in HORIZONS:
            row = round(horizon / episode.dt)
            if row < episode.frames:
                moved = has_moved(episode.position[: row + 1], episode.wxyz[: row + 1])
                found[horizon].append(np.stack([far[row] <= width[row], moved, width[row]]))
        report("intervals", count, total)
    told = []
    for horizon, parts in found.items():
        if parts:
            held, moved, width = np.concatenate(parts, axis=1)
            of = moved > 0
            some = bool(of.any())
            told.append(
                Coverage(
                    horizon,
                    float(held.mean()),
                    float(held[of].mean()) if some else float("nan"),
                    float(np.median(width[of])) if some else float("nan"),
                    len(held),
                )
            )
    return told
