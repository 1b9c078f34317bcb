"""Objects keep their ids and names when a scene is built again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from skimage.color import rgb2lab

from scan2sim.bodies import vertex_colors
from scan2sim.scene import SceneObject

__all__ = ["match_earlier"]

OVERLAP = 0.3  # boxes that share at least this (intersection over union) hold the same thing
SIZES = 0.15  # relative difference of sides, as standard deviation
COLORS = 12.0  # difference of colours, as standard deviation [CIELAB]
ALIKE = 2.0  # standard deviations by which two views of one thing may differ
FORBIDDEN = 1e6


def match_earlier(meshes: Sequence[trimesh.Trimesh], earlier: Sequence[SceneObject]) -> list[SceneObject | None]:
    """Find for each mesh, in the scene frame, the earlier object that it is; None for a new one.

    What stands where an earlier object stood is that object: the pairs whose boxes overlap most, all together.  Of the
    rest, what looks like an earlier object by the sides of its tightest box and its colour is that object, moved.
    No pair depends on objects that are neither of the two nor claim one of them.
    """
    found: list[SceneObject | None] = [None] * len(meshes)
    before = [thing.visual.bounds + thing.position for thing in earlier]
    for i, j in _pairs([[-_overlap(mesh.bounds, box) for box in before] for mesh in meshes], -OVERLAP):
        found[i] = earlier[j]
    taken = {thing.id for thing in found if thing is not None}
    lost = [i for i, thing in enumerate(found) if thing is None]
    free = [thing for thing in earlier if thing.id not in taken]
    looks, old = [_looks(meshes[i]) for i in lost], [_looks(thing.visual) for thing in free]
    for i, j in _pairs([[_difference(a, b) for b in old] for a in looks], ALIKE):
        found[lost[i]] = free[j]
    return found


def _pairs(costs: list[list[float]], highest: float) -> list[tuple[int, int]]:
    if not costs or not costs[0]:
        return []
    table = np.array(costs)
    table[table > highest] = FORBIDDEN
    rows, columns = linear_sum_assignment(table)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if table[i, j] < FORBIDDEN]


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    shared = float(np.prod((np.minimum(a[1], b[1]) - np.maximum(a[0], b[0])).clip(0)))
    return shared / (float(np.prod(a[1] - a[0])) + float(np.prod(b[1] - b[0])) - shared)


def _looks(mesh: trimesh.Trimesh) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of the sides of the tightest box, and the typical colour."""
    sides = np.sort(mesh.bounding_box_oriented.primitive.extents)
    return np.log(sides), np.median(rgb2lab(vertex_colors(mesh)[None, :, :3] / 255.0)[0], axis=0)


def _difference(
    a: tuple[NDArray[np.float64], NDArray[np.float64]], b: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> float:
    """How many standard deviations apart two looks are, at most in size or colour."""
    return max(float(np.abs(a[0] - b[0]).max() / SIZES), float(np.linalg.norm(a[1] - b[1]) / COLORS))
