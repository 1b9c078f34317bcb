"""What touches is taken apart: each connected thing is meshed, cut at its creases and joined into objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
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

__all__ = ["take_apart"]

CELL = 0.002  # of the mesh that creases are sought on [camera distances]
MAX_CELLS = 192  # along its longest side
FLOOR = 2.5  # cells; what lies lower is next to the support


def take_apart(
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) int64 number of each pixel, 0 = none
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter = silent,
) -> tuple[VoxelLabels, list[Tensor]]:  # the same with one number per object
    """Give objects that touch a number each, in the voxels and in the views.

    The first part of what was number n keeps n, and the others get new numbers at the end.
    """
    labels, pixels, count = grid.labels.clone(), [picture.clone() for picture in pixels], grid.count
    for number in range(1, grid.count + 1):
        parts = _parts(number, views, pixels, grid, plane, unit, config)
        if parts is not None:
            tree, part = parts
            names = torch.tensor([number, *range(count + 1, count + 1 + int(part.max()))])
            part = names[torch.from_numpy(part)]
            count += len(names) - 1
            cells = grid.labels == number
            centres = (cells.nonzero() + 0.5) * grid.cell + grid.corner
            labels[cells] = part[torch.from_numpy(tree.query(centres.numpy())[1])]
            for view, picture in zip(views, pixels, strict=True):
                mine = picture == number
                points = view.points()[0][mine]
                picture[mine] = part[torch.from_numpy(tree.query(points.numpy())[1])]
        report("taking apart what touches", number, grid.count)
    return replace(grid, labels=labels, count=count), pixels


def _parts(
    number: int,
    views: list[View],
    pixels: list[Tensor],
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
) -> tuple[KDTree, np.ndarray] | None:
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
    return (KDTree(mesh.vertices), part) if count > 1 else None
