"""Training of the graph network: one frame ahead, from starts with noise, as in the paper.

Noise on the poses of the last frames makes it mend what its own errors do; targets are such that the next frame is the
true one.  Turning everything about the vertical shows that no direction is special.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.data import Data
from splatwm.gns.file import Gns
from splatwm.gns.graph import Graph, Moment, Things, graph_of, nodes_of, particles_of
from splatwm.gns.network import GnsConfig, GraphNetwork
from splatwm.gns.poses import earlier
from splatwm.learning import Frames, Moments, frames_of
from splatwm.model.rigid import turned_by

__all__ = ["GnsTraining", "train_gns"]

CLIP = 1.0  # length of a gradient
FALL = 0.05  # of the rate at the end
LOOKED_AT = 256  # frames whose accelerations tell their scale
RECENT = 200  # steps that the told loss is the mean of


@dataclass(frozen=True)
class GnsTraining:
    """How the graph network is trained."""

    episodes: int = 1000
    """At most so many of the data, evenly spread."""
    steps: int = 3000
    """Steps of Adam."""
    batch: int = 8
    """Frames in a step, drawn by how much happens in them."""
    rate: float = 0.001
    """Learning rate at first; it falls as a cosine."""
    noise: float = 0.0003
    """Of positions [m], added to each of the last two frames …"""
    turn: float = 0.003
    """… and of orientations [rad]."""
    seed: int = 0
    """Of weights, frames and noise."""


def train_gns(
    data: Data,
    sizes: GnsConfig = GnsConfig(),  # noqa: B008 (frozen)
    config: GnsTraining = GnsTraining(),
    report: Reporter = silent,
) -> Gns:
    """A graph network that has learned from collected episodes.

    Raises:
        UsageError: settings cannot be, or the episodes' steps differ.
        DataError: the data are damaged.
    """
    if min(config.episodes, config.steps, config.batch) < 1 or min(config.rate, config.noise, config.turn) < 0:
        raise UsageError(f"a training that cannot be: {config}", todo="see GnsTraining for what the numbers mean")
    network = GraphNetwork(sizes, config.seed)
    episodes = list(data.episodes(config.episodes))
    frames = frames_of(data, episodes)
    sight = _Sight(frames, particles_of(frames.shapes, sizes), sizes, config)
    _, goals = sight.draw(LOOKED_AT)
    scale = float(goals.square().mean().sqrt())
    optimizer = torch.optim.Adam(network.parameters(), config.rate)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps, FALL * config.rate)
    losses: list[float] = []
    for done in range(config.steps):
        graph, goal = sight.draw(config.batch)
        told = network(graph.nodes, graph.edges, graph.sender, graph.receiver)[sight.of_objects(graph)]
        loss = (told - goal / scale).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        plan.step()
        losses.append(float(loss.detach()))
        recent = losses[-RECENT:]
        report(f"training, loss {sum(recent) / len(recent):.3f}", done + 1, config.steps)
    told = {"episodes": len(episodes), "frames": sum(e.frames for e in episodes), "training": asdict(config)}
    told |= {"loss": sum(losses[-RECENT:]) / len(losses[-RECENT:])}
    return Gns(network, frames.dt, scale, told)


class _Sight:
    """Frames as graphs with their true accelerations, noise added."""

    def __init__(self, frames: Frames, particles: Tensor, sizes: GnsConfig, config: GnsTraining) -> None:
        self._frames, self._particles, self._sizes, self._config = frames, particles, sizes, config
        self._rng = torch.Generator().manual_seed(config.seed)

    def of_objects(self, graph: Graph) -> Tensor:  # (N,) bool
        """Which nodes of the graph that was drawn last a loss is of."""
        return self._free[graph.place]

    def draw(self, count: int) -> tuple[Graph, Tensor]:  # …, (M, 3) [m] in a frame² of the objects' nodes
        """Some moments and what happens to their objects' nodes."""
        frames, moments = self._frames, self._frames.draw(count, 1, self._rng)
        now, after = frames.at(moments), frames.at(moments, 1)
        things = Things.of(now, frames.shapes, self._particles)
        walk = torch.zeros(*now.position.shape[:2], 6)
        walked, nodes = things.free[..., None].float(), []
        for back in (2, 1, 0):
            position, wxyz = self._poses(moments, back)
            nodes.append(nodes_of(things, position + walk[..., :3], turned_by(walk[..., 3:], wxyz)))
            sigma = torch.tensor([self._config.noise] * 3 + [self._config.turn] * 3)
            walk = walk + walked * sigma * torch.randn(walk.shape, generator=self._rng)
        moment = Moment(nodes[0], nodes[1], nodes[2], nodes_of(things, after.position, after.wxyz))
        graph = graph_of(things, moment, self._sizes)
        goal = moment.link_next - 2 * moment.now + moment.last
        self._free = things.free[..., None].expand(goal.shape[:-1]).flatten()
        yaw = 2 * torch.pi * torch.rand(count, generator=self._rng)
        env = graph.place // goal[0, ..., 0].numel()
        graph, about = _turned(graph, yaw[env]), goal.reshape(-1, 3)[graph.place]
        return graph, _about_z(about, yaw[env])[self.of_objects(graph)]

    def _poses(self, moments: Moments, back: int) -> tuple[Tensor, Tensor]:
        """Poses some frames ago; before the first those of things that go evenly, links at rest."""
        frames = self._frames
        then = frames.at(moments, -back)
        first = frames.at(replace(moments, frame=torch.zeros_like(moments.frame)))
        still = first.kinematic[..., None]
        first = replace(
            first, linear=torch.where(still, 0.0, first.linear), angular=torch.where(still, 0.0, first.angular)
        )
        missing = (back - moments.frame).clamp(min=0)
        position, wxyz = then.position.clone(), then.wxyz.clone()
        for k in range(1, back + 1):
            ago = earlier(first, k * frames.dt)
            rows = missing == k
            position[rows], wxyz[rows] = ago[0][rows], ago[1][rows]
        return position, wxyz


def _turned(graph: Graph, yaw: Tensor) -> Graph:  # …, (N,) [rad]
    nodes, edges = graph.nodes.clone(), graph.edges.clone()
    for first in (0, 3, 6):
        nodes[:, first : first + 3] = _about_z(nodes[:, first : first + 3], yaw)
    edges[:, :3] = _about_z(edges[:, :3], yaw[graph.sender])
    return replace(graph, nodes=nodes, edges=edges)


def _about_z(vectors: Tensor, yaw: Tensor) -> Tensor:  # (N, 3), (N,)
    x, y, z = vectors.unbind(-1)
    c, s = yaw.cos(), yaw.sin()
    return torch.stack([c * x - s * y, s * x + c * y, z], -1)
