"""The graph network: encode, rounds of messages, decode (Sanchez-Gonzalez et al. 2020, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scan2sim.errors import UsageError

__all__ = ["EDGE_FEATURES", "NODE_FEATURES", "GnsConfig", "GraphNetwork"]

NODE_FEATURES = 14  # two speeds, where a link goes, distance to what stands still, hub, link, friction, mass
EDGE_FEATURES = 7  # way, its length, kind


@dataclass(frozen=True)
class GnsConfig:
    """How large the network is, and what it sees."""

    particles: int = 24
    """On each body's surface."""
    radius: float = 0.03
    """Particles of different bodies that are nearer [m] tell each other."""
    width: int = 64
    """Of all hidden layers."""
    rounds: int = 4
    """Of messages, each with weights of its own."""


class GraphNetwork(nn.Module):
    """From the features of nodes and edges to an acceleration of every node, in units of its own.

    Raises:
        UsageError: the size is not one that can be.
    """

    def __init__(self, config: GnsConfig = GnsConfig(), seed: int = 0) -> None:
        super().__init__()
        sizes = (config.particles, config.width, config.rounds)
        if not (4 <= config.particles <= 512 and 1 <= config.width <= 512 and 1 <= config.rounds <= 16):
            raise UsageError(f"a graph network of {sizes} particles, width and rounds", todo="see GnsConfig")
        if not 0 < config.radius < 1:
            raise UsageError(f"a radius of {config.radius} m", todo="give one between 0 and 1 m")
        self.config, width = config, config.width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.of_nodes = _layers(NODE_FEATURES, width, width)
            self.of_edges = _layers(EDGE_FEATURES, width, width)
            self.edges = nn.ModuleList(_layers(3 * width, width, width) for _ in range(config.rounds))
            self.nodes = nn.ModuleList(_layers(2 * width, width, width) for _ in range(config.rounds))
            self.decode = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, nodes: Tensor, edges: Tensor, sender: Tensor, receiver: Tensor) -> Tensor:  # → (N, 3)
        """Accelerations; nodes (N, NODE_FEATURES), edges (E, EDGE_FEATURES), sender and receiver (E,)."""
        h, e = self.of_nodes(nodes), self.of_edges(edges)
        for on_edges, on_nodes in zip(self.edges, self.nodes, strict=True):
            e = e + on_edges(torch.cat([e, h[sender], h[receiver]], -1))
            h = h + on_nodes(torch.cat([h, torch.zeros_like(h).index_add(0, receiver, e)], -1))
        return self.decode(h)


def _layers(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs), nn.LayerNorm(outputs))
