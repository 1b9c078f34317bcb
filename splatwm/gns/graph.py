"""Scenes as graphs: particles on surfaces, a hub in every body, and edges where bodies come near each other.

Each body has P particles and, as node P, a hub at its centre of mass.  Edges go between particles of different bodies
within a radius, and both ways between each particle and its hub, through which a push at one side reaches the other in
two rounds of messages.  What stands still has no particles: as walls in the paper, it is told by distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from splatwm.gns.network import EDGE_FEATURES, NODE_FEATURES, GnsConfig
from splatwm.model.rigid import rotation_matrix
from splatwm.particles import signed_distances, surface_particles
from splatwm.shapes import BodyShape
from splatwm.state import State

__all__ = ["Graph", "Moment", "Things", "graph_of", "nodes_of", "particles_of"]

SPEED = 0.01  # [m] in a frame that features are in units of
LENGTH = 0.03  # [m] likewise


@dataclass(frozen=True)
class Things:
    """What does not change in B environments of O bodies."""

    nodes: Tensor  # (B, O, P + 1, 3) [m] body frames
    free: Tensor  # (B, O) bool
    link: Tensor  # (B, O) bool
    told: Tensor  # (B, O, 2) logarithms of friction and mass
    still: tuple[BodyShape, ...]  # B: what stands still, at the scene's origin

    @classmethod
    def of(cls, state: State, shapes: Sequence[BodyShape], particles: Tensor) -> Things:  # (S, P, 3) of the shapes
        """The bodies of a state; the first of each environment is what stands still."""
        nodes = torch.cat([particles[state.shape.clamp(min=0).long()], state.center_of_mass[:, :, None]], 2)
        link = state.kinematic & state.mask
        link[:, 0] = False
        told = torch.stack([state.friction.clamp(min=0.01).log(), state.mass.clamp(min=1e-3).log() + 2], -1)
        still = tuple(shapes[i] for i in state.shape[:, 0].tolist())
        return cls(nodes, state.free, link, torch.where(link[..., None], 0.0, told), still)


def particles_of(shapes: Sequence[BodyShape], config: GnsConfig) -> Tensor:  # (S, P, 3) [m]
    """Particles on the surfaces of shapes."""
    return torch.stack([torch.from_numpy(surface_particles(shape, config.particles)) for shape in shapes])


class Moment(NamedTuple):
    """Where nodes were two frames ago, one frame ago, and are; and where those of links go."""

    before: Tensor  # (B, O, P + 1, 3) [m]
    last: Tensor
    now: Tensor
    link_next: Tensor  # only those of links count


@dataclass(frozen=True)
class Graph:
    """N nodes and E edges of all environments together."""

    nodes: Tensor  # (N, NODE_FEATURES)
    edges: Tensor  # (E, EDGE_FEATURES)
    sender: Tensor  # (E,)
    receiver: Tensor  # (E,)
    place: Tensor  # (N,) where each node is among the B · O · (P + 1)


def nodes_of(things: Things, position: Tensor, wxyz: Tensor) -> Tensor:  # (B, O, 3), (B, O, 4) → (B, O, P + 1, 3)
    """Where the nodes of bodies at these poses are."""
    return position[:, :, None] + things.nodes @ rotation_matrix(wxyz).transpose(-1, -2)


def graph_of(things: Things, moment: Moment, config: GnsConfig) -> Graph:
    """Features and edges of one moment."""
    batch, bodies, count, _ = moment.now.shape
    there = (things.free | things.link)[..., None].expand(batch, bodies, count)
    place = there.flatten().nonzero().squeeze(1)
    number = torch.full((batch * bodies * count,), -1)
    number[place] = torch.arange(len(place))
    goes = torch.where(things.link[..., None, None], moment.link_next - moment.now, 0.0)
    hub = torch.zeros(batch, bodies, count, 1)
    hub[:, :, -1] = 1
    link = things.link[..., None, None].expand(batch, bodies, count, 1).float()
    told = things.told[:, :, None].expand(batch, bodies, count, 2)
    gap = _gaps(things, moment.now, config.radius)[..., None]
    speeds = [(moment.last - moment.before) / SPEED, (moment.now - moment.last) / SPEED, goes / SPEED]
    nodes = torch.cat([*speeds, gap, hub, link, told], -1).reshape(-1, NODE_FEATURES)[place]
    sender, receiver, kind = _edges(things, moment.now, number.reshape(batch, bodies, count), config.radius)
    where = moment.now.reshape(-1, 3)[place]
    way = (where[sender] - where[receiver]) / LENGTH
    edges = torch.cat([way, way.norm(dim=-1, keepdim=True), torch.nn.functional.one_hot(kind, 3).float()], -1)
    return Graph(nodes, edges.reshape(-1, EDGE_FEATURES), sender, receiver, place)


def _gaps(things: Things, now: Tensor, radius: float) -> Tensor:  # (B, O, P + 1), at most 1
    """Distances to what stands still, in shares of the radius."""
    gaps = torch.empty(now.shape[:-1])
    rows: dict[int, list[int]] = {}
    for i, shape in enumerate(things.still):
        rows.setdefault(id(shape), []).append(i)
    for same in rows.values():
        found = signed_distances(things.still[same[0]], now[same].reshape(-1, 3).numpy())
        gaps[same] = torch.from_numpy(found).reshape(gaps[same].shape)
    return (gaps / radius).clamp(-1, 1)


def _edges(things: Things, now: Tensor, number: Tensor, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """Senders, receivers and kinds: 0 between bodies, 1 to a hub, 2 from it."""
    batch, bodies, count, _ = now.shape
    hubs = number[..., -1:].expand(batch, bodies, count - 1)
    inner = (number[..., :-1] >= 0) & things.free[..., None]
    outer, middle = number[..., :-1][inner], hubs[inner]
    surface = now[:, :, :-1].reshape(batch, -1, 3)
    numbers = number[..., :-1].reshape(batch, -1)
    body = torch.arange(bodies).repeat_interleave(count - 1)
    near = torch.cdist(surface, surface) < radius
    near &= (body[:, None] != body) & (numbers[:, :, None] >= 0) & (numbers[:, None] >= 0)
    near &= things.free.repeat_interleave(count - 1, 1)[:, :, None]  # nothing need be told to a link
    env, to, of = near.nonzero(as_tuple=True)
    sender = torch.cat([numbers[env, of], outer, middle])
    receiver = torch.cat([numbers[env, to], middle, outer])
    kind = torch.cat([torch.zeros(len(env)), torch.ones(len(outer)), torch.full((len(outer),), 2.0)]).long()
    return sender, receiver, kind
