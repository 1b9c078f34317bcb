"""Making a model from data: weights of its network if wanted, what its errors are, how sure it may say to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.config import PhysicsConfig
from splatwm.data import Data, Episode
from splatwm.evaluate import has_moved, position_error, rotation_error
from splatwm.learning import LearnConfig, frames_of, learn, split_frames, step_error, weighted_loss, write_curves
from splatwm.model import ContactNetwork, Corrections, NetworkConfig, step
from splatwm.predict import EpisodePredictor
from splatwm.trained import Model, calibrate, check_ensemble

__all__ = ["TrainConfig", "learn_network", "train"]

HORIZONS = (0.5, 1.0, 2.0)  # [s] that the card tells
FEWEST = 20  # episodes to calibrate with
ONE_FRAME, ROLLED_OUT, ROLLED_FOR = 128, 40, 1.0  # frames, about so many episodes, [s] that held-back errors are of


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
    card = model.card | {
        "what": f"contacts and rigid bodies with an analytic solver; {_told_of(model)}",
        "version": version("scan2sim"),
        "episodes": total,
        "errors": scores.table(),
        "limits": "rigid things, known shapes; trained and measured on simulated contacts without chatter",
    }
    return replace(model, calibration=calibrate(spreads, errors, moved, dt), card=card)


def learn_network(
    data: Data,
    model: Model,
    sizes: NetworkConfig,
    config: LearnConfig,
    output: Path,
    report: Reporter = silent,
) -> Model:
    """The model with a network that is trained through its solver; curves and state lie beside ``output``.

    Stages that are held back tell errors on the way.  A killed call goes on where it was when it is given again.

    Raises:
        UsageError: settings cannot be, there are too few stages, or the state beside it is another training's.
        DataError: the data are damaged.
        OutputError: the folder cannot be written.
    """
    kept, held = split_frames(data, config.held_back)
    state = output.with_suffix(".training")
    look = HeldBack(data, held, model.physics)
    plain = look(None)
    learned = learn(frames_of(data, kept), model.physics, sizes, config, checkpoint=state, look=look, report=report)
    flat = {f"{name}, no network": [(0.0, value), (float(config.steps), value)] for name, value in plain.items()}
    curves = {name: curve for name, curve in learned.history.items() if name != "loss"}
    write_curves(
        output.with_suffix(".curves.png"),
        {"loss": {"training": learned.history.get("loss", [])}, "held back": curves | flat},
    )
    state.unlink(missing_ok=True)
    told = {"steps": config.steps, "substeps": model.physics.substeps, "episodes": len(kept), "held_back": len(held)}
    told |= {"errors": {name: curve[-1][1] for name, curve in curves.items()}, "without_network": plain}
    return replace(model, network=learned.network, card=model.card | {"learned": told})


class HeldBack:
    """Errors on episodes that are not learned from: of one frame, and of rollouts."""

    def __init__(self, data: Data, episodes: list[Episode], physics: PhysicsConfig) -> None:
        self._data, self._physics = data, physics
        self._episodes = episodes[:: max(1, len(episodes) // ROLLED_OUT)]
        self._frames = frames_of(data, episodes)
        self._moments = self._frames.draw(ONE_FRAME, 1, torch.Generator().manual_seed(0))

    def __call__(self, network: ContactNetwork | None) -> dict[str, float]:
        """Medians [mm] of what moved, by name."""
        state, truth = self._frames.at(self._moments), self._frames.at(self._moments, 1)
        corrector = network.corrector(state.latent, self._physics) if network is not None else Corrections()
        with torch.no_grad():
            after = step(state, self._frames.shapes, self._frames.dt, self._physics, corrector).state
            loss = weighted_loss(step_error(after, truth, self._frames.dt), state, truth, self._frames.dt)
        predict = EpisodePredictor(Model(self._physics, network=network), self._data)
        far = []
        for episode in self._episodes:
            row = round(ROLLED_FOR / episode.dt)
            if row < episode.frames:
                position, _ = predict(episode)
                moved = has_moved(episode.position[: row + 1], episode.wxyz[: row + 1])
                far.append(position_error(position[row], episode.position[row])[moved])
        errors = np.concatenate(far) if far else np.zeros(0)
        rolled = {"rollout median [mm]": float(1000 * np.median(errors))} if len(errors) else {}
        return {"one frame": float(loss)} | rolled


def _told_of(model: Model) -> str:
    if model.network is None:
        return "no learned weights"
    return f"its contacts are corrected by a network of {sum(p.numel() for p in model.network.parameters())} weights"


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
