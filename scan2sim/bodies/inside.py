"""Which points a closed surface encloses."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray

__all__ = ["enclosed", "enclosed_grid"]

Array = NDArray[np.float64]
Crossings = tuple[NDArray[np.int64], Array, Array]

NUDGE = np.array([1.3e-9, 0.7e-9])  # [m] so that no line meets an edge of a mesh that was made on the same grid
AT_ONCE = 2_000_000  # pairs of line and triangle


def enclosed(
    mesh: trimesh.Trimesh,  # closed, not empty
    points: ArrayLike,  # (N, 3) [m]
) -> NDArray[np.bool_]:  # (N,)
    """Which points lie inside a mesh, however thin its walls are and however far away the points.

    The upright line through a point leaves the solid above it once more than it enters it there, and enters it below
    once more: half the sum of both is the point's winding number (Jacobson et al. 2013, "Robust inside-outside
    segmentation using generalized winding numbers", with all looks up and down), and a hole in the surface on one side
    of a point does not put it inside.  The normal of the nearest vertex, which is less work, tells a wrong side of all
    that lies over a sharp edge or a thin flap, centimetres away.
    """
    places = np.asarray(points, dtype=np.float64)
    winding = np.zeros(len(places))
    near = np.flatnonzero(((places >= mesh.bounds[0]) & (places <= mesh.bounds[1])).all(1))
    line, height, upward = _crossings(mesh, places[near, :2])
    away = np.sign(height - places[near[line], 2])
    np.add.at(winding, near[line], away * upward / 2)
    return winding > 0.5


def enclosed_grid(
    mesh: trimesh.Trimesh,  # closed, not empty
    corner: Array,  # (3,) [m] the grid's first point
    cell: float,  # [m] between its points
    shape: tuple[int, int, int],
) -> NDArray[np.bool_]:  # (X, Y, Z)
    """The same as :func:`enclosed` for the points of a grid, all of an upright line at once."""
    x, y = np.meshgrid(
        *(np.arange(n) * cell + low for n, low in zip(shape[:2], corner[:2], strict=True)), indexing="ij"
    )
    line, height, upward = _crossings(mesh, np.stack([x.ravel(), y.ravel()], 1))
    first = np.ceil((height - corner[2]) / cell).clip(0, shape[2]).astype(np.int64)  # of the points over the crossing
    passed = np.zeros((shape[0] * shape[1], shape[2] + 1))
    np.add.at(passed, (line, first), upward)
    below = passed.cumsum(1)[:, :-1]
    return ((passed.sum(1, keepdims=True) - 2 * below) / 2 > 0.5).reshape(shape)


def _crossings(mesh: trimesh.Trimesh, places: Array) -> Crossings:  # (M, 2) to three of (K,)
    """Where upright lines meet a mesh: which line, at which height [m], and 1 or -1 as the surface faces up or down.

    Triangles are sorted into the cells of a flat grid, and each line looks at those of its cell.
    """
    corners = np.asarray(mesh.triangles, dtype=np.float64)
    low, high = corners[..., :2].min(1), corners[..., :2].max(1)
    origin, edge = low.min(0), max(float(np.sqrt((high - low).prod(1).mean())), 1e-6)
    columns = int((high[:, 0].max() - origin[0]) / edge) + 1
    first, last = (((end - origin) / edge).astype(np.int64) for end in (low, high))
    wide, deep = (last - first + 1).T
    face, nth = _expanded(wide * deep)
    cell = first[face, 0] + nth % wide[face] + columns * (first[face, 1] + nth // wide[face])
    order = np.argsort(cell, kind="stable")
    face, cell = face[order], cell[order]
    at = places + NUDGE
    where = np.floor((at - origin) / edge)
    known = ((where >= 0) & (where[:, :1] < columns)).all(1)
    mine = np.where(known, where[:, 0] + columns * where[:, 1], -1.0).astype(np.int64)
    begin, end = np.searchsorted(cell, mine), np.searchsorted(cell, mine, side="right")
    found: list[Crossings] = []
    for part in np.array_split(np.arange(len(at)), 1 + int((end - begin).sum()) // AT_ONCE):
        which, nth = _expanded((end - begin)[part])
        line = part[which]
        found.append(_met(corners[face[begin[line] + nth]], at[line], line))
    line, height, upward = (np.concatenate(each) for each in zip(*found, strict=True))
    return line, height, upward


def _met(corners: Array, at: Array, line: NDArray[np.int64]) -> Crossings:  # (P, 3, 3), (P, 2), (P,)
    """Of pairs of triangle and line those that meet."""
    ahead = np.roll(corners[..., :2], -1, axis=1) - corners[..., :2]
    to = at[:, None] - corners[..., :2]
    side = ahead[..., 0] * to[..., 1] - ahead[..., 1] * to[..., 0]  # (P, 3): twice the area beside each edge
    hit = (side > 0).all(1) | (side < 0).all(1)
    side, area = side[hit], side[hit].sum(1)
    height = (np.roll(side, -1, axis=1) / area[:, None] * corners[hit][..., 2]).sum(1)  # edge i+1 is opposite corner i
    return line[hit], height, np.sign(area)


def _expanded(count: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each index as often as its count says, and which of its times it is."""
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
