"""Making a model from data: here, what its errors are and how sure it may say to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.data import Data, Episode
from splatwm.evaluate import has_moved, position_error, rotation_error
from splatwm.predict import EpisodePredictor
from splatwm.trained import Model, calibrate, check_ensemble

__all__ = ["TrainConfig", "train"]

HORIZONS = (0.5, 1.0, 2.0)  # [s] that the card tells
FEWEST = 20  # episodes to calibrate with


@dataclass(frozen=True)
class TrainConfig:
    """How a model is made."""

    episodes: int = 1000
    """At most so many of the data are used, evenly spread."""
    threads: int = 2
    """Of the native core."""


def train(data: Data, model: Model, config: TrainConfig = TrainConfig(), report: Reporter = silent) -> Model:
    """The model with its calibration and card, from episodes that it predicts.

    Raises:
        UsageError: there are too few episodes, no threads, or an ensemble that tells nothing.
        DataError: the data are damaged.
    """
    if config.threads < 1:
        raise UsageError(f"{config.threads} threads", todo="give 1 or more")
    check_ensemble(model.ensemble)
    predict = EpisodePredictor(model, data, config.threads)
    spreads, errors, moved, scores, dt = [], [], [], Errors(), 0.0
    total = min(config.episodes, len(data))
    if total < FEWEST:
        raise UsageError(f"{total} episodes are too few to know errors from", todo=f"collect at least {FEWEST}")
    for count, episode in enumerate(data.episodes(config.episodes), start=1):
        position, wxyz, spread = predict.with_spread(episode)
        far = position_error(position, episode.position)
        spreads.append(spread)
        errors.append(far)
        moved.append(_moved_by(episode))
        dt = episode.dt
        scores.add(episode, far, rotation_error(wxyz, episode.wxyz))
        report("predicting", count, total)
    card = {
        "what": "contacts and rigid bodies with an analytic solver; no learned weights",
        "version": version("scan2sim"),
        "episodes": total,
        "errors": scores.table(),
        "limits": "rigid things, known shapes; trained and measured on simulated contacts without chatter",
    }
    return replace(model, calibration=calibrate(spreads, errors, moved, dt), card=card)


def _moved_by(episode: Episode) -> np.ndarray:  # (T, O) bool
    """Whether each thing has moved by each frame."""
    return np.stack([has_moved(episode.position[: i + 1], episode.wxyz[: i + 1]) for i in range(episode.frames)])


class Errors:
    """Errors of what had moved by each horizon, by kind of episode."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, float], list[np.ndarray]] = {}

    def add(self, episode: Episode, far: np.ndarray, turned: np.ndarray) -> None:  # (T, O) [m], [rad]
        """Take in one episode."""
        for horizon in HORIZONS:
            row = round(horizon / episode.dt)
            if row < episode.frames:
                moved = has_moved(episode.position[: row + 1], episode.wxyz[: row + 1])
                here = np.stack([far[row], turned[row]])[:, moved]
                self._found.setdefault((episode.kind, horizon), []).append(here)

    def table(self) -> dict[str, Any]:
        """Medians and ninetieth percentiles."""
        told: dict[str, Any] = {}
        for (kind, horizon), parts in sorted(self._found.items()):
            far, turned = np.concatenate(parts, axis=1)
            if len(far):
                told[f"{kind} {horizon:g} s"] = {
                    "median_mm": float(1000 * np.median(far)),
                    "p90_mm": float(1000 * np.quantile(far, 0.9)),
                    "median_deg": float(np.degrees(np.median(turned))),
                    "things": len(far),
                }
        return told
