"""Making a model from data: here, what its errors are and how sure it may say to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.data import Data
from splatwm.evaluate import has_moved, position_error, rotation_error
from splatwm.model import Model, calibrate
from splatwm.predict import EpisodePredictor

__all__ = ["TrainConfig", "train"]

HORIZONS = (0.5, 1.0, 2.0)  # [s] that the card tells
FEWEST = 20  # episodes to calibrate with


@dataclass(frozen=True)
class TrainConfig:
    """How a model is made."""

    episodes: int = 1000
    """At most so many of the data are used."""
    threads: int = 2
    """Of the native core."""


def train(data: Data, model: Model, config: TrainConfig = TrainConfig(), report: Reporter = silent) -> Model:
    """The model with its calibration and card, from episodes that it predicts.

    Raises:
        UsageError: there are too few episodes.
        DataError: the data are damaged.
    """
    predict = EpisodePredictor(model, data, config.threads)
    spreads, errors, kinds, moved_errors, turns = [], [], [], [], []
    total, dt = min(config.episodes, len(data)), 0.0
    if total < FEWEST:
        raise UsageError(f"{total} episodes are too few to know errors from", todo=f"collect at least {FEWEST}")
    for count, episode in enumerate(data.episodes(), start=1):
        position, wxyz, spread = predict.with_spread(episode)
        far = position_error(position, episode.position)
        spreads.append(spread)
        errors.append(far)
        moved_errors.append(np.where(has_moved(episode.position, episode.wxyz), far, np.nan))
        turns.append(rotation_error(wxyz, episode.wxyz))
        kinds.append(episode.kind)
        dt = episode.dt
        report("predicting", count, total)
        if count == total:
            break
    card = {
        "what": "contacts and rigid bodies with an analytic solver; no learned weights",
        "version": version("scan2sim"),
        "episodes": total,
        "errors": _errors(kinds, moved_errors, turns, dt),
        "limits": "rigid things, known shapes; trained and measured on simulated contacts without chatter",
    }
    return replace(model, calibration=calibrate(spreads, errors, dt), card=card)


def _errors(kinds: list[str], far: list[np.ndarray], turned: list[np.ndarray], dt: float) -> dict[str, Any]:
    """Medians of moved things by kind and horizon."""
    table: dict[str, Any] = {}
    for kind in sorted(set(kinds)):
        for horizon in HORIZONS:
            row = round(horizon / dt)
            here = [(f[row], t[row]) for f, t, k in zip(far, turned, kinds, strict=True) if k == kind and len(f) > row]
            if not here:
                continue
            metres, angles = (np.concatenate(part) for part in zip(*here, strict=True))
            known = np.isfinite(metres)
            if known.any():
                table[f"{kind} {horizon:g} s"] = {
                    "median_mm": float(1000 * np.median(metres[known])),
                    "p90_mm": float(1000 * np.quantile(metres[known], 0.9)),
                    "median_deg": float(np.degrees(np.median(angles[known]))),
                    "things": int(known.sum()),
                }
    return table
