"""Gaps in a thin thing through which no view looks: noise eats it up where its support is near."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

__all__ = ["fill_gaps", "off_grid"]

LEAST = 2.5  # cells; what fills a gap is as high as the gap's rim, and at least this
ROUND = 1e-3  # cells; distances that are less count as this
LOOKS = 2  # views that must see the thing over a place of its support
THROUGH = 0.05  # share of the views that may seem to see the support there

Array = NDArray[np.float64]


def fill_gaps(
    volume: NDArray[np.float32],  # (X, Y, Z) < 0 inside [cells]
    corner: Tensor,  # (3,) [m] where its first value stands
    cell: float,  # [m] between values
    views: list[View],
    masks: list[Tensor],  # per view (H, W) bool: pixels that show the object
    plane: SupportPlane,
) -> NDArray[np.float32]:  # (X, Y, Z)
    """The volume with inside where a column has none though views see the object, not the support, at its foot.

    A look past the rim of such a gap would show the support.  So would one through a ring, and there nothing is filled.
    Only gaps that lie within the object count, seen from above.
    """
    inside = (volume < 0).any(2)
    columns = np.argwhere(np.asarray(ndimage.binary_fill_holes(inside), bool) & ~inside)
    if not len(columns):
        return volume
    normal = torch.tensor(plane.normal, dtype=torch.float32)
    across = torch.tensor(columns) * cell + corner[:2]
    ground = torch.cat([across, ((plane.offset - across @ normal[:2]) / normal[2])[:, None]], 1)
    columns = columns[_covered(ground + LEAST / 2 * cell * normal, views, masks)]
    if not len(columns):
        return volume
    x, y, z = (torch.arange(n) * cell + float(c) for n, c in zip(volume.shape, corner, strict=True))
    points = torch.stack(torch.meshgrid(x, y, z, indexing="ij"), -1)
    height = plane.height(points).numpy()
    tops = np.where(volume < 0, height, -np.inf).max(2)
    nearest = np.asarray(ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True))
    a, b = columns.T
    top = np.maximum(tops[tuple(nearest[:, a, b])], LEAST * cell)[:, None]
    filled = volume.copy()
    film = np.maximum(-height[a, b], height[a, b] - top)
    filled[a, b] = np.minimum(filled[a, b], off_grid(film / cell))
    return filled


def off_grid(distance: NDArray[Any]) -> NDArray[Any]:  # (…) [cells]
    """Distances none of which is 0: a surface through the points of its grid would touch itself there."""
    return np.where(np.abs(distance) < ROUND, ROUND, distance)


def _covered(points: Tensor, views: list[View], masks: list[Tensor]) -> NDArray[np.bool_]:  # (N, 3) to (N,)
    """Before which points views see the object, and hardly any sees something farther away instead."""
    shown, through = torch.zeros(len(points)), torch.zeros(len(points))
    for view, mask in zip(views, masks, strict=True):
        index, z, within = view.project(points)
        mine, depth = mask.flatten()[index], view.depth.flatten()[index]
        shown += within & mine
        through += within & ~mine & ((depth == 0) | (depth >= z))
    return ((shown >= LOOKS) & (through <= THROUGH * (shown + through))).numpy()
