"""The low floor inside a thing's rim: a tray's or a board's, too low to be told from the support by height."""

from __future__ import annotations

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
SMALLEST = 10  # columns that a floor has at least
GROWN = 3  # cells by which the voxels of a thing, grown to find noisy points, may reach beyond its rim
SUNK = 4.0  # times the lowest height; so far may a floor without texture sink into the support
FLOOR, SUPPORT, THING = 1, 2, 3
THIN = 7  # one of so many pixels is looked at
MIN_PIXELS = 200  # that show a floor, and as many the support around it; with fewer nothing is known


class Floors:
    """Which thing encloses each column of a grid, 0 = none."""

    def __init__(self, grid: VoxelLabels, columns: NDArray[np.int64], plane: SupportPlane, lowest: float) -> None:
        self._grid, self._columns, self._plane, self._lowest = grid, torch.from_numpy(columns), plane, lowest

    def add_to(self, view: View, picture: Tensor) -> Tensor:  # (H, W) int64
        """The same numbers, and those of the floors where there was none."""
        points, has = view.points()
        height = self._plane.height(points)
        low = has & (picture == 0) & (height <= self._lowest) & (height > -SUNK * self._lowest)
        return torch.where(low, _column(self._grid, self._columns, points), picture)


def find_floors(grid: VoxelLabels, views: list[View], plane: SupportPlane, lowest: float) -> Floors:
    """Find what is enclosed by one thing, seen from above, and looks like it rather than like the support around it.

    ``lowest`` is the height [m] over which everything belongs to things already.
    """
    solid = (grid.labels > 0).any(2).numpy()
    columns = np.zeros(solid.shape, np.int64)
    for number in range(1, grid.count + 1):
        own = (grid.labels == number).any(2).numpy()
        filled = np.asarray(ndimage.binary_fill_holes(own), bool)
        hole = filled & ~solid
        if hole.sum() < SMALLEST:
            continue
        near, beside = (np.asarray(ndimage.binary_dilation(filled, iterations=n), bool) for n in AROUND)
        around = beside & ~near & ~solid
        regions = torch.from_numpy(np.where(hole, FLOOR, np.where(around, SUPPORT, 0)))
        colors = _colors(grid, regions, number, views, plane, lowest)
        if min(len(seen) for seen in colors) >= MIN_PIXELS:
            floor, support, thing = (np.median(seen, axis=0) for seen in colors)
            if np.linalg.norm(floor - thing) < np.linalg.norm(floor - support):
                columns[np.asarray(ndimage.binary_erosion(filled, iterations=GROWN), bool)] = number
    return Floors(grid, columns, plane, lowest)


def _colors(
    grid: VoxelLabels, regions: Tensor, number: int, views: list[View], plane: SupportPlane, lowest: float
) -> list[NDArray[np.float64]]:
    """CIELAB colours (N, 3) of pixels at the support's height over the floor and around, and of those of a thing."""
    found = [torch.zeros(0, 3)] * 3
    for view in views:
        points, has = view.points()
        height = plane.height(points)
        region = torch.where(has & (height.abs() <= lowest), _column(grid, regions, points), 0)
        region[has & (height > lowest) & (grid.lookup(points) == number)] = THING
        for i, kind in enumerate((FLOOR, SUPPORT, THING)):
            found[i] = torch.cat([found[i], view.color[region == kind][::THIN]])
    return [rgb2lab(colors.clamp(0, 1).numpy()[None])[0] for colors in found]


def _column(grid: VoxelLabels, values: Tensor, points: Tensor) -> Tensor:
    """The value of the grid's column over or under each point, 0 outside."""
    index = ((points[..., :2] - grid.corner[:2]) / grid.cell).floor()
    inside = ((index >= 0) & (index < torch.tensor(values.shape))).all(-1)
    x, y = torch.where(inside[..., None], index, 0.0).long().unbind(-1)
    return torch.where(inside, values[x, y], 0)
