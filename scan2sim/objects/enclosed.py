"""The low floor inside a thing's rim: a tray's or a board's, too low to be told from the support by height."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2lab
from torch import Tensor

from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

__all__ = ["Floors", "find_floors"]

AROUND = (3, 9)  # cells beside a thing between which the support's colour is read
LEVELS = (1.0, 2.0, 3.0)  # times the lowest height; over which a rim may stand
SMALLEST = 10  # columns that a floor has at least
GROWN = 3  # cells by which the voxels of a rim, grown to find noisy points, may reach over the floor
LIFT = 0.5  # times the lowest height, over the support, lies a floor at least
SUNK = 4.0  # times the lowest height; so far may a floor without texture sink into the support
FLOOR, SUPPORT, THING = 1, 2, 3
THIN = 7  # one of so many pixels is looked at
MIN_PIXELS = 100  # that show a floor, and as many the support around it; with fewer nothing is known


class Floors:
    """Which thing encloses each column of a grid, 0 = none."""

    def __init__(self, grid: VoxelLabels, columns: NDArray[np.int64], plane: SupportPlane, lowest: float) -> None:
        self._grid, self._columns, self._plane, self._lowest = grid, torch.from_numpy(columns), plane, lowest

    def add_to(self, view: View, picture: Tensor) -> Tensor:  # (H, W) int64
        """The same numbers, and those of the floors where there was none."""
        owner = self._owner(view)
        return torch.where((picture == 0) & (owner > 0), owner, picture)

    def raised(self, view: View) -> View:
        """The view with floors that have sunk into the support lifted out of it, to half the lowest height."""
        pose = torch.from_numpy(view.camera.world_from_camera).float()
        normal = torch.tensor(self._plane.normal).float()
        points, _ = view.points()
        height = self._plane.height(points)
        sunk = (self._owner(view) > 0) & (height < LIFT * self._lowest)
        fall = (points - pose[:3, 3]) @ normal / view.depth.clamp_min(1e-6)  # height lost per depth
        lifted = view.depth + (LIFT * self._lowest - height) / fall.clamp_max(-1e-3)
        return replace(view, depth=torch.where(sunk & (lifted > 0), lifted, view.depth))

    def _owner(self, view: View) -> Tensor:  # (H, W) int64
        points, has = view.points()
        height = self._plane.height(points)
        low = has & (height <= self._lowest) & (height > -SUNK * self._lowest)
        return torch.where(low, _column(self._grid, self._columns, points), 0)


def find_floors(grid: VoxelLabels, views: list[View], plane: SupportPlane, lowest: float) -> Floors:
    """Find what is enclosed by one thing, seen from above, and looks like it rather than like the support around it.

    ``lowest`` is the height [m] over which everything belongs to things already.
    """
    columns = np.zeros(grid.labels.shape[:2], np.int64)
    anything = (grid.labels > 0).any(2).numpy()
    cells = grid.labels.nonzero()
    owner, height = grid.labels[cells.unbind(1)], plane.height((cells + 0.5) * grid.cell + grid.corner)
    candidates: list[_Hole] = []
    for number, level in product(range(1, grid.count + 1), LEVELS):
        rim = np.zeros(columns.shape, bool)
        rim[tuple(cells[(owner == number) & (height > level * lowest), :2].T.numpy())] = True
        filled = np.asarray(ndimage.binary_fill_holes(rim), bool)
        hole = filled & ~rim
        if hole.sum() < SMALLEST:
            continue
        near, beside = (np.asarray(ndimage.binary_dilation(filled, iterations=n), bool) for n in AROUND)
        beside &= ~near & ~anything
        inner = rim & np.asarray(ndimage.binary_dilation(hole, iterations=AROUND[0]), bool)
        regions = torch.from_numpy(np.select([hole, beside, inner], [FLOOR, SUPPORT, THING], 0))
        grown = np.asarray(ndimage.binary_dilation(hole, iterations=GROWN), bool) & filled
        candidates.append(_Hole(number, level * lowest, regions, grown))
    for hole, colors in zip(candidates, _colors(grid, candidates, views, plane), strict=True):
        if min(len(seen) for seen in colors) >= MIN_PIXELS:
            floor, support, thing = (np.median(seen, axis=0) for seen in colors)
            if np.linalg.norm(floor - thing) < np.linalg.norm(floor - support):
                columns[hole.grown] = hole.number
    return Floors(grid, columns, plane, lowest)


@dataclass(frozen=True)
class _Hole:
    """What one thing encloses, seen from above."""

    number: int
    height: float  # [m] over which its rim stands
    regions: Tensor  # (X, Y) int64 FLOOR within, SUPPORT around it, THING on its rim
    grown: NDArray[np.bool_]  # (X, Y) the floor with its edge


def _colors(
    grid: VoxelLabels, holes: list[_Hole], views: list[View], plane: SupportPlane
) -> list[list[NDArray[np.float64]]]:
    """Of each hole the CIELAB colours (N, 3) of the low pixels over and around it, and of the high ones on its rim."""
    found = [[torch.zeros(0, 3)] * 3 for _ in holes]
    for view in views if holes else []:
        points, has = view.points()
        height, owner = plane.height(points), grid.lookup(points)
        for hole, colors in zip(holes, found, strict=True):
            region = torch.where(has, _column(grid, hole.regions, points), 0)
            high = (height > hole.height) & (owner == hole.number)
            region[(region == THING) & ~high | (region != THING) & (height.abs() > hole.height)] = 0
            for i, kind in enumerate((FLOOR, SUPPORT, THING)):
                colors[i] = torch.cat([colors[i], view.color[region == kind][::THIN]])
    return [[rgb2lab(each.clamp(0, 1).numpy()[None])[0] for each in colors] for colors in found]


def _column(grid: VoxelLabels, values: Tensor, points: Tensor) -> Tensor:
    """The value of the grid's column over or under each point, 0 outside."""
    index = ((points[..., :2] - grid.corner[:2]) / grid.cell).floor()
    inside = ((index >= 0) & (index < torch.tensor(values.shape))).all(-1)
    x, y = torch.where(inside[..., None], index, 0.0).long().unbind(-1)
    return torch.where(inside, values[x, y], 0)
