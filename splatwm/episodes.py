"""What was collected, as starts and actions of the physics core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from scan2sim.bodies import Body, read_solid
from scan2sim.errors import UsageError
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.sim import CONTACT
from splatwm.data import Data, Episode
from splatwm.shapes import BodyShape, box, cylinder, shape_from_pieces, sphere
from splatwm.simulate import Actions
from splatwm.state import FREE, ROBOT, STATIC, Start, check_state, state_of_bodies

__all__ = ["actions_of_episode", "link_shape", "shape_of_body", "shapes_of", "start_of_episode"]


def start_of_episode(episode: Episode, shape_of: Callable[[str], BodyShape]) -> Start:
    """The first frame of an episode: its background, its objects, then its links.

    Args:
        episode: what was collected.
        shape_of: the shape of a body by its digest, the same one every time, so that batches share it.
    """
    objects, links = len(episode.names), len(episode.links)
    shapes = [shape_of(episode.background), *map(shape_of, episode.bodies), *map(link_shape, episode.shapes)]
    turned = matrix_from_quaternion(episode.wxyz[0])
    arms = np.einsum("oij,oj->oi", turned, episode.center_of_mass)
    velocity = episode.velocity[0] + np.cross(episode.spin[0], arms)
    state = state_of_bodies(
        range(len(shapes)),
        np.concatenate([np.zeros((1, 3)), episode.position[0], episode.link_position[0]]),
        np.concatenate([[1.0], episode.mass, np.ones(links)]).tolist(),
        np.concatenate([np.eye(3)[None], episode.inertia, np.tile(np.eye(3), (links, 1, 1))]),
        wxyz=np.concatenate([[[1.0, 0, 0, 0]], episode.wxyz[0], episode.link_wxyz[0]]),
        friction=[CONTACT.ground_friction, *episode.friction.tolist(), *episode.link_friction.tolist()],
        kinematic=[True] + [False] * objects + [True] * links,
    )

    def rows(values: np.ndarray) -> torch.Tensor:
        filled = np.zeros((1, 1 + objects + links, 3), np.float32)
        filled[0, 1 : 1 + objects] = values
        return torch.from_numpy(filled)

    priority = torch.tensor([[STATIC] + [FREE] * objects + [ROBOT] * links], dtype=torch.int32)
    state = replace(
        state,
        linear=rows(velocity),
        angular=rows(episode.spin[0]),
        center_of_mass=rows(episode.center_of_mass),
        priority=priority,
    )
    check_state(state)
    return Start(state, tuple(shapes), (("background", *episode.names, *episode.links),))


def actions_of_episode(episode: Episode, dt: float | None = None) -> Actions | None:
    """Where its links go; None without links.

    Args:
        episode: what was collected.
        dt: step [s] of the actions, a whole part of the episode's; in between links go straight and turn evenly.

    Raises:
        UsageError: the episode's step is no multiple of ``dt``.
    """
    if not episode.links:
        return None
    parts = round(episode.dt / (dt or episode.dt))
    if parts < 1 or abs(parts * (dt or episode.dt) - episode.dt) > 1e-6:
        raise UsageError(f"a frame of {episode.dt:.5f} s cannot be cut into steps of {dt} s")
    first = 1 + len(episode.names)
    share = np.arange(1, parts + 1)[:, None, None] / parts
    position, wxyz = episode.link_position, episode.link_wxyz
    places = position[:-1, None] + share * (position[1:] - position[:-1])[:, None]
    opposite = np.sum(wxyz[1:] * wxyz[:-1], axis=-1, keepdims=True) < 0
    turns = wxyz[:-1, None] + share * (np.where(opposite, -wxyz[1:], wxyz[1:]) - wxyz[:-1])[:, None]
    return Actions(
        tuple(range(first, first + len(episode.links))),
        _batch(places),
        _batch(turns / np.linalg.norm(turns, axis=-1, keepdims=True)),
    )


def _batch(values: np.ndarray) -> torch.Tensor:  # (T, parts, L, …) to (1, T · parts, L, …)
    return torch.from_numpy(values.reshape(1, -1, *values.shape[2:]).astype(np.float32))


@cache
def link_shape(shape: str) -> BodyShape:
    """The solid that a text like ``box:0.02x0.02x0.05`` or ``sphere:0.01`` tells; equal texts give the same one.

    Raises:
        UsageError: it tells none.
    """
    solid = read_solid(shape)
    if solid.kind == "sphere":
        return sphere(solid.sizes[0])
    if solid.kind == "box":
        return box([size / 2 for size in solid.sizes])
    return cylinder(solid.sizes[0], solid.sizes[1] / 2)


def shapes_of(data: Data) -> Callable[[str], BodyShape]:
    """The shape of each body of a data set by its digest, each made once."""
    return cache(lambda digest: shape_of_body(data.body(digest)))


def shape_of_body(body: Body) -> BodyShape:
    """The shape of a stored body.

    Raises:
        SceneError: it has no pieces that are solid.
    """
    return shape_from_pieces(body.pieces, body.name)
