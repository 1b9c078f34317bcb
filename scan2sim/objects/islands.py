"""Holes in what views show of a thing that are none: where its splats have sunk into its support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2lab
from torch import Tensor

from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

__all__ = ["without_islands"]

SMALLEST = 4  # pixels of a hole; less is noise of the outline
RIM = 3  # pixels around a hole that show the thing
AROUND = (3, 9)  # pixels beside a thing between which what surrounds it is looked at
FEWEST = 20  # pixels of both that must tell
THROUGH = 0.05  # what shows so far behind its rim is seen through a hole [camera distances]

Mask = NDArray[np.bool_]


def without_islands(
    pixels: list[Tensor],  # per view (H, W) int64 number of each pixel, 0 = none
    views: list[View],
    plane: SupportPlane,
    unit: float,  # camera distance [m]
) -> tuple[list[Tensor], list[View], int]:
    """Give holes in a thing to it if they look like it, rather than like what is around it, and are not deep.

    Through the handle of a mug one sees what is far behind it, and inside a ring what is around it.  A dark, glossy
    corner of a tray is neither: its splats lie where mirrored light seems to be, within the table, and count as its.
    Where they count as the tray's, they lie within the table all the same.

    Returns:
        the pixels and the views, in which nothing of a filled hole, or of what a thing has within its support, lies
        behind the plane through its rim, and how many pixels were filled.
    """
    filled, moved, count = [], [], 0
    for view, picture in zip(views, pixels, strict=True):
        numbers, depth = picture.numpy().copy(), view.depth.numpy().copy()
        count += _fill(numbers, depth, view.color, unit)
        height = plane.height(replace(view, depth=torch.from_numpy(depth)).points()[0]).numpy()
        _raise(depth, numbers, (depth > 0) & (height < plane.noise) & (numbers > 0))
        filled.append(torch.from_numpy(numbers))
        moved.append(replace(view, depth=torch.from_numpy(depth)))
    return filled, moved, count


def _fill(numbers: NDArray[np.int64], depth: NDArray[np.float32], color: Tensor, unit: float) -> int:
    """Give things the holes in them that look like them, in both pictures; returns how many pixels."""
    lab, count = None, 0
    for number, part, whole, hole in _holes(numbers, numbers == 0):
        lab = rgb2lab(color.clamp(0, 1).numpy()) if lab is None else lab
        colors, z = lab[part], depth[part]
        near, beside = (np.asarray(ndimage.binary_dilation(whole, iterations=n), bool) for n in AROUND)
        around = beside & ~near & (numbers[part] == 0)
        rim = _rim(hole, (numbers[part] == number) & (z > 0))
        if min(rim.sum(), around.sum()) < FEWEST or np.median(z[hole]) - np.median(z[rim]) > THROUGH * unit:
            continue
        mine, inner, outer = (np.median(colors[where], axis=0) for where in (rim, hole, around))
        if np.linalg.norm(inner - mine) < np.linalg.norm(inner - outer):
            numbers[part][hole] = number
            z[hole] = np.minimum(z[hole], _across(z, rim, hole))
            count += int(hole.sum())
    return count


def _raise(depth: NDArray[np.float32], numbers: NDArray[np.int64], sunk: Mask) -> None:
    """Raise what of things has sunk to the planes through its rims."""
    for number, part, _, hole in _holes(numbers, sunk):
        z = depth[part]
        rim = _rim(hole, (numbers[part] == number) & (z > 0) & ~sunk[part])
        if rim.sum() >= FEWEST:
            z[hole] = np.minimum(z[hole], _across(z, rim, hole))


def _holes(numbers: NDArray[np.int64], missing: Mask) -> Iterator[tuple[int, tuple[slice, slice], Mask, Mask]]:
    """Each hole of ``missing`` pixels within a thing: whose, the part of the picture around that thing, in it the thing
    without holes, and the hole."""
    height, width = numbers.shape
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        if box is None:
            continue
        rows, columns = (
            slice(max(0, s.start - AROUND[1]), min(size, s.stop + AROUND[1]))
            for s, size in zip(box, (height, width), strict=True)
        )
        part = rows, columns
        whole = np.asarray(ndimage.binary_fill_holes((numbers[part] == number) & ~missing[part]), bool)
        inside, found = ndimage.label(whole & missing[part] & np.isin(numbers[part], (0, number)))  # pyright: ignore[reportGeneralTypeIssues]
        for i in range(1, found + 1):
            hole = inside == i
            if hole.sum() >= SMALLEST:
                yield number, part, whole, hole


def _rim(hole: Mask, shown: Mask) -> Mask:
    """What is shown next to a hole."""
    return np.asarray(ndimage.binary_dilation(hole, iterations=RIM), bool) & shown


def _across(depth: NDArray[np.float32], rim: Mask, hole: Mask) -> NDArray[np.float32]:
    """Depth of the hole's pixels on the plane through its rim: there 1 / depth is linear in the picture."""
    rows, columns = np.nonzero(rim)
    system = np.column_stack([np.ones(len(rows)), rows, columns])
    plane = np.linalg.lstsq(system, 1 / depth[rim], rcond=None)[0]
    rows, columns = np.nonzero(hole)
    inverse = plane[0] + plane[1] * rows + plane[2] * columns
    return np.where(inverse > 0, 1 / np.maximum(inverse, 1e-9), np.inf).astype(np.float32)
