"""Shorter edges: a mesh of a few large triangles cannot bend, so its long edges are halved before it is deformed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Skin", "with_short_edges"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 6
MOST_FACES = 40_000

# Corners of the faces that a face becomes, by how many of its edges are halved: 0 1 2 are its corners and 3 4 5 the
# middles of its edges 01, 12 and 20; with one it is edge 01, with two they are 01 and 12.
TEMPLATES = (
    ((0, 1, 2),),
    ((0, 3, 2), (3, 1, 2)),
    ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
)


@dataclass(frozen=True)
class Skin:
    """Triangles with what belongs to their vertices and corners."""

    vertices: Array  # (V, 3) [m]
    faces: Ints  # (F, 3)
    attributes: Array  # (V, A) of the vertices
    uv: Array | None = None  # (F, 3, 2) of the corners


def with_short_edges(skin: Skin, longest: float) -> Skin:  # longest [m]
    """Halve edges until none is longer, with both faces of an edge split alike; a closed mesh stays closed.

    It stays as it is once it would have more than 40,000 faces.
    """
    for _ in range(ROUNDS):
        edges = np.sort(skin.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        keys, which = np.unique(edges[:, 0] * len(skin.vertices) + edges[:, 1], return_inverse=True)
        ends = np.stack([keys // len(skin.vertices), keys % len(skin.vertices)], axis=1)
        long = np.linalg.norm(skin.vertices[ends[:, 0]] - skin.vertices[ends[:, 1]], axis=1) > longest
        if not long.any() or len(skin.faces) + 2 * long.sum() > MOST_FACES:
            break
        skin = _halved(skin, ends, long, which.reshape(-1, 3))
    return skin


def _halved(skin: Skin, ends: Ints, long: NDArray[np.bool_], which: Ints) -> Skin:
    """The edges ``ends[long]`` halved; ``which`` (F, 3) are the edges of each face."""
    middle = np.where(long, len(skin.vertices) + np.cumsum(long) - 1, -1)
    halved = ends[long]
    marked = long[which]
    count = marked.sum(1)
    # turn each face so that its halved edges come first: with one it is that edge, with two the next is the whole one
    first = np.where(count == 1, marked.argmax(1), np.where(count == 2, (marked.argmin(1) + 1) % 3, 0))
    turn = (first[:, None] + np.arange(3)) % 3
    corners = np.take_along_axis(skin.faces, turn, 1)
    slots = np.concatenate([corners, np.take_along_axis(middle[which], turn, 1)], axis=1)
    uv = None
    if skin.uv is not None:
        turned = np.take_along_axis(skin.uv, turn[:, :, None], 1)
        uv = np.concatenate([turned, (turned + np.roll(turned, -1, axis=1)) / 2], axis=1)
    faces, places = [], []
    for number, template in enumerate(TEMPLATES):
        chosen = count == number
        for triple in template:
            faces.append(slots[chosen][:, triple])
            if uv is not None:
                places.append(uv[chosen][:, triple])
    return Skin(
        np.concatenate([skin.vertices, skin.vertices[halved].mean(1)]),
        np.concatenate(faces),
        np.concatenate([skin.attributes, skin.attributes[halved].mean(1)]),
        None if uv is None else np.concatenate(places),
    )
