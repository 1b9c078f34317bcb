"""What a mask source is told about an object in a photo: a box, points on it and points beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

__all__ = ["Prompt", "prompts_for"]

MIN_PIXELS = 50  # of an object that are worth asking about
INSIDE = 3  # points on an object
OUTSIDE = 4  # points on its neighbours, one on each
NEAR = 0.5  # a neighbour has pixels within the box and this share of its sides around it


@dataclass(frozen=True)
class Prompt:
    """Where geometry sees an object; x to the right, y down, pixel (i, j) has its centre at (i + ½, j + ½)."""

    number: int
    box: tuple[float, float, float, float]  # left, top, right, bottom [pixels]
    inside: Tensor  # (P, 2) [pixels] x, y deep inside the object, the deepest first
    outside: Tensor  # (Q, 2) [pixels] deep inside its neighbours


def prompts_for(picture: Tensor) -> list[Prompt]:  # (H, W) int64 object numbers, 0 = none
    """A prompt for each object of which enough is seen."""
    numbers = picture.numpy()
    found = [int(n) for n in np.unique(numbers) if n > 0 and (numbers == n).sum() >= MIN_PIXELS]
    deep = {number: _deepest(numbers == number) for number in found}
    prompts = []
    for number in found:
        rows, columns = np.nonzero(numbers == number)
        left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        wide, high = int(NEAR * (right - left)) + 1, int(NEAR * (bottom - top)) + 1
        around = numbers[max(0, top - high) : bottom + high, max(0, left - wide) : right + wide]
        seen, pixels = np.unique(around, return_counts=True)
        largest = seen[np.argsort(-pixels, kind="stable")].tolist()
        beside = [deep[n][:1] for n in largest if n in deep and n != number][:OUTSIDE]
        box = (float(left), float(top), float(right), float(bottom))
        prompts.append(Prompt(number, box, deep[number], torch.cat([torch.zeros(0, 2), *beside])))
    return prompts


def _deepest(mask: NDArray[np.bool_]) -> Tensor:  # (INSIDE, 2) [pixels]
    """Points far from the mask's rim and from each other."""
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]
    y, x = np.indices(mask.shape)
    points = []
    for _ in range(INSIDE):
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        points.append((column + 0.5, row + 0.5))
        depth = np.minimum(depth, np.hypot(x - column, y - row))
    return torch.tensor(points, dtype=torch.float32)
