"""A graph network's prediction of collected episodes: accelerations, a step, and bodies made rigid again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.errors import UsageError
from splatwm.data import Data, Episode
from splatwm.episodes import shapes_of, start_of_episode
from splatwm.gns.file import Gns
from splatwm.gns.graph import Moment, Things, graph_of, nodes_of, particles_of
from splatwm.gns.poses import earlier, rigid_fit
from splatwm.shapes import BodyShape

__all__ = ["GnsPredictor"]

Array = NDArray[np.float64]


class GnsPredictor:
    """Predicts episodes of one data set, one at a time.

    Args:
        gns: what predicts.
        data: where the episodes' bodies are.
    """

    def __init__(self, gns: Gns, data: Data) -> None:
        self.gns = gns
        self._shape_of = shapes_of(data)
        self._particles: dict[int, Tensor] = {}

    def __call__(self, episode: Episode) -> tuple[Array, Array]:  # (T, O, 3) [m], (T, O, 4)
        """Where everything goes; row 0 is the episode's own.

        Raises:
            UsageError: the episode's step is not the one that was learned.
        """
        if abs(episode.dt - self.gns.dt) > 1e-6:
            problem = f"episodes of {episode.dt:.4f} s a frame: this graph network knows {self.gns.dt:.4f} s alone"
            raise UsageError(problem, todo="train one on such episodes with splatwm gns")
        start = start_of_episode(episode, self._shape_of)
        things = Things.of(start.state, start.shapes, torch.cat([self._particles_of(s) for s in start.shapes]))
        state, config = start.state, self.gns.network.config
        position, wxyz = state.position.clone(), state.wxyz.clone()
        links = things.link[0].nonzero().squeeze(1)
        told = torch.from_numpy(episode.link_position), torch.from_numpy(episode.link_wxyz)
        objects = slice(1, 1 + len(episode.names))
        at = [nodes_of(things, *earlier(state, back * self.gns.dt)) for back in (2, 1, 0)]
        rows = [(position[0, objects].clone(), wxyz[0, objects].clone())]
        with torch.no_grad():
            for frame in range(1, episode.frames):
                position, wxyz = position.clone(), wxyz.clone()
                position[0, links], wxyz[0, links] = told[0][frame], told[1][frame]
                moment = Moment(at[0], at[1], at[2], nodes_of(things, position, wxyz))
                graph = graph_of(things, moment, config)
                speed = torch.zeros_like(moment.now).reshape(-1, 3)
                told_by = self.gns.network(graph.nodes, graph.edges, graph.sender, graph.receiver)
                speed[graph.place] = self.gns.scale * told_by
                goal = 2 * moment.now - moment.last + speed.reshape(moment.now.shape)
                position[:, objects], wxyz[:, objects] = rigid_fit(things.nodes[:, objects], goal[:, objects])
                at = [*at[1:], nodes_of(things, position, wxyz)]
                rows.append((position[0, objects], wxyz[0, objects]))
        places, turns = (torch.stack(column).double().numpy() for column in zip(*rows, strict=True))
        return places, turns

    def _particles_of(self, shape: BodyShape) -> Tensor:  # (1, P, 3)
        if id(shape) not in self._particles:
            self._particles[id(shape)] = particles_of([shape], self.gns.network.config)
        return self._particles[id(shape)]
