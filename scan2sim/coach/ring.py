"""From which sides the subject was filmed: relative rotations become directions around a ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from scan2sim.coach.links import Link

__all__ = ["Ring", "find_ring"]

Array = NDArray[np.float64]

ROUNDS = 30  # of averaging
LEVEL = 0.15  # spread of the cameras' right-hand directions (second singular value over the first) that tells up


@dataclass(frozen=True)
class Ring:
    """Directions of the frames that hang together, as they look at the subject."""

    frames: tuple[int, ...]  # the largest connected group, ascending
    azimuth: Array  # (F,) [degrees] 0..360 where each camera stands around the subject: 0 the first, 90 right of it
    elevation: Array  # (F,) [degrees] how far above the subject's level it stands
    second: int = 0  # frames in the next largest group, which shares nothing with this one


def find_ring(links: list[Link], count: int) -> Ring:
    """Average the relative rotations of the largest connected group of frames, and read off where each camera stands.

    Rotations are chained along the strongest links, then each is replaced by the mean of what its neighbours say
    (Hartley et al. 2013, "Rotation averaging").  People hold cameras level: up is the direction that is most nearly
    square to the right-hand sides of all frames.  A camera that looks at the subject stands opposite to where it looks.
    """
    group, second = _largest_groups(links, count)
    rotations = _averaged([link for link in links if link.first in group], group)
    right, down, ahead = (np.array([rotations[i][axis] for i in group]) for axis in range(3))
    up = _up(right, -down)
    front = -ahead[0] + (ahead[0] @ up) * up
    if np.linalg.norm(front) < 1e-6:  # the first looks straight down
        front = down[0] - (down[0] @ up) * up
    front /= np.linalg.norm(front)
    azimuth = np.degrees(np.arctan2(-ahead @ np.cross(up, front), -ahead @ front)) % 360
    elevation = np.degrees(np.arcsin((-ahead @ up).clip(-1, 1)))
    return Ring(tuple(group), azimuth, elevation, second)


def _largest_groups(links: list[Link], count: int) -> tuple[list[int], int]:  # the frames of one, the next one's size
    first, second = np.array([(link.first, link.second) for link in links], np.int64).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(links)), (first, second)), shape=(count, count))
    group = connected_components(graph, directed=False)[1]
    sizes = np.bincount(group)
    largest = int(sizes.argmax())
    return np.flatnonzero(group == largest).tolist(), int(np.delete(sizes, largest).max(initial=0))


def _averaged(links: list[Link], group: list[int]) -> dict[int, Array]:  # (3, 3) camera_from_world by frame
    rotations = {group[0]: np.eye(3)}
    strongest = sorted(links, key=lambda link: -link.shared)
    while len(rotations) < len(group):
        for link in strongest:  # the strongest that leads out of what is known, as Prim's tree grows
            if (link.first in rotations) != (link.second in rotations):
                if link.first in rotations:
                    rotations[link.second] = link.second_from_first @ rotations[link.first]
                else:
                    rotations[link.first] = link.second_from_first.T @ rotations[link.second]
                break
    for _ in range(ROUNDS):
        sums = {i: np.zeros((3, 3)) for i in group}
        for link in links:
            sums[link.second] += link.shared * link.second_from_first @ rotations[link.first]
            sums[link.first] += link.shared * link.second_from_first.T @ rotations[link.second]
        for i in group[1:]:
            u, _, v = np.linalg.svd(sums[i])
            rotations[i] = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return rotations


def _up(right: Array, held: Array) -> Array:  # (3,) unit
    """Square to all right-hand directions, or, where these are too much alike, how the cameras were held."""
    common = held.mean(0)
    _, spread, axes = np.linalg.svd(right)
    if len(right) > 2 and spread[1] > LEVEL * spread[0]:
        common = axes[2] * np.sign(axes[2] @ common)
    norm = np.linalg.norm(common)
    return common / norm if norm > 1e-9 else held[0]
