"""A model's prediction of what was collected: stored episodes from their first frame and their links' poses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from splatwm.data import Data, Episode
from splatwm.episodes import actions_of_episode, shapes_of, start_of_episode
from splatwm.simulate import Trajectory, simulate
from splatwm.state import Start
from splatwm.trained import Model, members_of, spread_of

__all__ = ["EpisodePredictor"]

Array = NDArray[np.float64]


class EpisodePredictor:
    """Predicts episodes of one data set; shapes are made once for each body.

    Args:
        model: what predicts.
        data: where the episodes' bodies are.
        threads: of the native core, for ensembles.
    """

    def __init__(self, model: Model, data: Data, threads: int = 1) -> None:
        self.model, self._threads = model, threads
        self._shape_of = shapes_of(data)
        self._network = model.network.native() if model.network is not None else None

    def __call__(self, episode: Episode) -> tuple[Array, Array]:  # (T, O, 3) [m], (T, O, 4)
        """Where everything goes; row 0 is the episode's own."""
        position, wxyz = self._run(self._start(episode), episode)
        return position[0], wxyz[0]

    def with_spread(self, episode: Episode) -> tuple[Array, Array, Array]:  # …, (T, O) [m]
        """The same, and how far the ensemble parts: known masses and frictions, so it tells the model's own doubt."""
        start, config = self._start(episode), self.model.ensemble
        state = members_of(start.state, config, episode.seed)
        members = replace(start, state=state, names=start.names * config.members)
        position, wxyz = self._run(members, episode)
        return position[0], wxyz[0], spread_of(torch.from_numpy(position)).numpy()

    def _start(self, episode: Episode) -> Start:
        return start_of_episode(episode, self._shape_of)

    def _run(self, start: Start, episode: Episode) -> tuple[Array, Array]:  # (B, T, O, 3), (B, T, O, 4)
        actions = actions_of_episode(episode)
        if actions is not None:
            actions = actions.repeated(len(start.names))
        steps = episode.frames - 1
        config = self.model.physics
        after = simulate(
            start.state, start.shapes, actions, episode.dt, steps, config, threads=self._threads, network=self._network
        )
        return _rows(start, after, len(episode.names))


def _rows(start: Start, after: Trajectory, objects: int) -> tuple[Array, Array]:
    """The objects alone, between the background and the links, with the start as row 0."""
    rows = slice(1, 1 + objects)
    position = torch.cat([start.state.position[:, None], after.position], 1)[:, :, rows]
    wxyz = torch.cat([start.state.wxyz[:, None], after.wxyz], 1)[:, :, rows]
    return position.double().numpy(), wxyz.double().numpy()
