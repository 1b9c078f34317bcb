"""Predict stored episodes and hold what comes out against what happened."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scan2sim.progress import Reporter, silent
from splatwm.data import Data, Episode, Links, State, World
from splatwm.evaluate.baselines import Motion, Predictor
from splatwm.evaluate.errors import errors_at, has_moved, position_error, rest_drift, rotation_error

__all__ = ["GROUPS", "HORIZONS", "TRUTH", "Comparison", "Scores", "compare", "world_of"]

Array = NDArray[np.float64]
HORIZONS = (0.4, 0.5, 1.0, 2.0)  # [s]
GROUPS = {"push": "push", "drop": "drop and stack", "stack": "drop and stack", "topple": "topple", "lift": "lift"}
TRUTH = "truth"
RESTS = (0.0005, 0.0087)  # [m], [rad] (0.5°) that a resting thing may move
LOST = 1.0  # [m] from the truth: the prediction has blown up
PENETRATION_EVERY = 0.25  # [s]


@dataclass
class Scores:
    """One predictor's errors; lists grow episode by episode."""

    position: dict[tuple[str, float, bool], list[Array]] = field(default_factory=lambda: defaultdict(list))
    """[m] by group, horizon [s], and whether of moved objects only or of all."""
    rotation: dict[tuple[str, float, bool], list[Array]] = field(default_factory=lambda: defaultdict(list))
    """[rad] likewise."""
    penetration: list[float] = field(default_factory=list)  # [m] deepest contact of an object at sampled frames
    drift: list[Array] = field(default_factory=list)  # [m] of objects that truly rest, at the end
    lost: int = 0  # episodes with something not finite or a metre off
    seconds: float = 0.0  # of processor time in predicting
    frames: int = 0  # predicted

    def add(self, episode: Episode, motion: Motion) -> None:
        """Take in one prediction."""
        position, wxyz = motion
        far, turned = position_error(position, episode.position), rotation_error(wxyz, episode.wxyz)
        if not np.isfinite(far).all() or far.max() > LOST:
            self.lost += 1
        far, turned = (np.where(np.isfinite(each), each, np.inf) for each in (far, turned))
        group = GROUPS.get(episode.kind, episode.kind)
        for horizon in HORIZONS:
            until = round(horizon / episode.dt) + 1
            moved = has_moved(episode.position[:until], episode.wxyz[:until])
            for only in (True, False):
                chosen = moved if only else np.ones_like(moved)
                self.position[group, horizon, only].append(errors_at(far, episode.dt, horizon)[chosen])
                self.rotation[group, horizon, only].append(errors_at(turned, episode.dt, horizon)[chosen])
        rests = ~has_moved(episode.position, episode.wxyz, *RESTS)
        drift = rest_drift(position, rests)
        self.drift.append(np.where(np.isfinite(drift), drift, np.inf))
        self.frames += episode.frames - 1


@dataclass(frozen=True)
class Comparison:
    """All predictors on the same episodes."""

    scores: Mapping[str, Scores]  # by predictor; ``TRUTH`` has penetration alone
    episodes: int
    skipped: tuple[str, ...]  # damaged shards that were left out


def compare(
    data: Data,
    predictors: Mapping[str, Predictor],
    most: int | None = None,  # episodes
    report: Reporter = silent,
) -> Comparison:
    """Let each predictor predict each episode, or ``most`` of them, evenly spread over the data.

    Raises:
        DataError: a shard is damaged, unless damaged ones are to be skipped.
    """
    scores = {name: Scores() for name in (*predictors, TRUTH)}
    total, count, key, world = min(len(data), most or len(data)), 0, None, None
    for episode in data.episodes(most):
        wanted = (episode.bodies, episode.names, episode.background, episode.shapes)
        if wanted != key or world is None:
            key, world = wanted, world_of(data, episode)
        for name, predict in predictors.items():
            started = time.process_time()
            motion = predict(world, episode)
            scores[name].seconds += time.process_time() - started
            scores[name].add(episode, motion)
            scores[name].penetration += _penetrations(world, episode, motion)
        truth = episode.position.astype(float), episode.wxyz.astype(float)
        scores[TRUTH].penetration += _penetrations(world, episode, truth)
        count += 1
        report("predicting", count, total)
    return Comparison(scores, count, tuple(data.skipped))


def world_of(data: Data, episode: Episode) -> World:
    """The simulator with an episode's bodies and links."""
    bodies = {name: data.body(digest) for name, digest in zip(episode.names, episode.bodies, strict=True)}
    return World(bodies, data.body(episode.background), Links(episode.links, episode.shapes))


def _penetrations(world: World, episode: Episode, motion: Motion) -> Iterable[float]:
    """The deepest contact [m] at some frames, without the links."""
    nothing = np.zeros((len(episode.names), 3))
    every = max(1, round(PENETRATION_EVERY / episode.dt))
    for position, wxyz in zip(motion[0][every::every], motion[1][every::every], strict=True):
        if np.isfinite(position).all() and np.isfinite(wxyz).all():
            yield world.deepest_at(State(position, wxyz, nothing, nothing))
