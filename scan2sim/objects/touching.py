"""What touches is taken apart: each connected thing is meshed, cut at its creases and joined into objects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.objects.coloring import color_mesh
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.creases import cut_at_creases
from scan2sim.objects.joining import join_pieces
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["Apart", "Territory", "take_apart"]

CELL = 0.002  # of the mesh that creases are sought on [camera distances]
MAX_CELLS = 192  # along its longest side
FLOOR = 2.5  # cells; what lies lower is next to the support


@dataclass(frozen=True)
class Territory:
    """The space that belongs to one of several objects that touch: all that is nearest to its surface."""

    points: NDArray[np.float64]  # (P, 3) [m] on the surfaces of all of them
    mine: NDArray[np.bool_]  # (P,) which lie on this one's

    def holds(self, points: Tensor) -> Tensor:  # (N, 3) [m] to (N,) bool
        """Which points belong to it."""
        return torch.from_numpy(self.mine[KDTree(self.points).query(points.numpy())[1]])


@dataclass(frozen=True)
class Apart:
    """Things that stood together, with a number for each."""

    grid: VoxelLabels
    pixels: list[Tensor]  # per view (H, W) int64
    whole: Tensor  # (count + 1,) int64: the number that each had when they were one
    territories: dict[int, Territory]  # of those that touch others


def take_apart(
    numbers: list[int],  # which of the grid's to look at
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) int64 number of each pixel, 0 = none
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter = silent,
) -> Apart:
    """Give objects that touch a number each, in the voxels and in the views, and the space that is theirs.

    The first part of what was number n keeps n, and the others get new numbers at the end.
    """
    labels, pixels, count = grid.labels.clone(), [picture.clone() for picture in pixels], grid.count
    territories, whole = {}, list(range(count + 1))
    for done, number in enumerate(numbers, start=1):
        parts = _parts(number, views, pixels, grid, plane, unit, config)
        if parts is not None:
            surface, part = parts
            tree = KDTree(surface)
            names = torch.tensor([number, *range(count + 1, count + 1 + int(part.max()))])
            part = names[torch.from_numpy(part)]
            count += len(names) - 1
            whole += [number] * (len(names) - 1)
            territories |= {int(name): Territory(surface, (part == name).numpy()) for name in names}
            cells = grid.labels == number
            centres = (cells.nonzero() + 0.5) * grid.cell + grid.corner
            labels[cells] = part[torch.from_numpy(tree.query(centres.numpy())[1])]
            for view, picture in zip(views, pixels, strict=True):
                mine = picture == number
                points = view.points()[0][mine]
                picture[mine] = part[torch.from_numpy(tree.query(points.numpy())[1])]
        report("taking apart what touches", done, len(numbers))
    return Apart(replace(grid, labels=labels, count=count), pixels, torch.tensor(whole), territories)


def _parts(
    number: int,
    views: list[View],
    pixels: list[Tensor],
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Points of the surface of a connected thing and the part 0, 1, … of each; None if it is one object."""
    low, high = grid.box(number, plane)
    size = float((high - low).max())
    cells = int(min(MAX_CELLS, size / (CELL * unit)))
    masks = [picture == number for picture in pixels]
    mesh = object_surface(views, masks, low, high, plane, cells)
    if mesh is None:
        return None
    seen = color_mesh(mesh, views, masks, tolerance=2 * grid.cell)
    floor = plane.height(torch.tensor(mesh.vertices)).numpy() < FLOOR * size / cells
    pieces = cut_at_creases(mesh, floor, unit)
    part, count = join_pieces(mesh, pieces, floor, seen, config.min_size * unit)
    return (np.array(mesh.vertices), part) if count > 1 else None
