"""Where things end, after the labels of their Gaussians have changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.objects.rims import Rim
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.touching import Apart, Territories

__all__ = ["move_borders"]

AROUND = 2.0  # radii around a rim in which its plane must tell two parts apart
WRONG = 0.1  # share of the surface there that may lie on the wrong side


def move_borders(
    apart: Apart,
    pixels: list[Tensor],  # per view (H, W) int64: the new numbers
    means: Tensor,  # (N, 3) [m] of Gaussians that are seen
    labels: Tensor,  # (N,) int64 their new numbers
    reach: float,  # [m] how far beyond its voxels' box an object may go on
) -> Apart:
    """Give the voxels, and the surface between things that touch, to the objects of the nearest Gaussians.

    Voxels are added where Gaussians of an object lie beside its own.
    """
    means, labels = means[labels > 0], labels[labels > 0]
    if not len(means):
        return replace(apart, pixels=pixels)
    territories, done = dict(apart.territories), set()
    for number, space in apart.territories.items():
        if number not in done:
            sharing = {n for n, other in apart.territories.items() if other is space}
            territories |= dict.fromkeys(sharing, _divided(space, sharing, means, labels))
            done |= sharing
    return replace(apart, grid=_filled(apart.grid, means, labels, reach), pixels=pixels, territories=territories)


def _filled(grid: VoxelLabels, means: Tensor, labels: Tensor, reach: float) -> VoxelLabels:
    cells = torch.zeros_like(grid.labels, dtype=torch.bool)
    for number in labels.unique().tolist():
        own = (grid.labels == number).nonzero()
        if not len(own):
            continue
        far = reach / grid.cell
        index = ((means[labels == number] - grid.corner) / grid.cell).floor()
        near = (index >= own.min(0).values - far) & (index <= own.max(0).values + far)
        near &= (index >= 0) & (index < torch.tensor(grid.labels.shape))
        cells[index[near.all(1)].long().unbind(1)] = True
    cells |= grid.labels > 0
    places = cells.nonzero()
    centres = (places + 0.5) * grid.cell + grid.corner
    filled = torch.zeros_like(grid.labels)
    filled[places.unbind(1)] = torch.from_numpy(_nearest(means, labels, centres.numpy()))
    return replace(grid, labels=filled)


def _divided(space: Territories, sharing: set[int], means: Tensor, labels: Tensor) -> Territories:
    """The same space with its surface divided anew, and the planes through its borders moved along."""
    mine = torch.isin(labels, torch.tensor(sorted(sharing)))
    if not mine.any():
        return space
    part = _nearest(means[mine], labels[mine], space.points)
    if (part == space.part).all():
        return space
    rims = (_shifted(rim, space, part) for rim in space.rims)
    return replace(space, part=part, rims=tuple(rim for rim in rims if rim is not None))


def _shifted(rim: Rim, space: Territories, part: NDArray[np.int64]) -> Rim | None:
    """The rim with its plane where it tells the two parts apart best.

    Where no plane does so, the rim stays as it was if the parts have hardly changed, and else there is none.
    """
    near = np.linalg.norm(space.points - rim.centre, axis=1) < AROUND * rim.radius
    near &= np.isin(part, (rim.above, rim.below))
    along = rim.height(space.points[near]) + rim.offset
    order = np.argsort(along)
    above = (part[near] == rim.above)[order]
    wrong = np.cumsum(above)[:-1] + np.cumsum(~above[::-1])[::-1][1:]  # with the plane behind each point but the last
    if not len(wrong) or wrong.min() > WRONG * len(above):
        return rim if (part != space.part)[near].sum() <= WRONG * len(above) else None
    best = int(wrong.argmin())
    offset = float(along[order[best : best + 2]].mean())
    return replace(rim, offset=offset, centre=rim.centre + (offset - rim.offset) * rim.normal)


def _nearest(means: Tensor, labels: Tensor, points: NDArray[np.floating]) -> NDArray[np.int64]:
    """The label of the Gaussian next to each point."""
    return labels.numpy()[KDTree(means.numpy()).query(points)[1]]
