"""Words for objects from what their photos show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

__all__ = ["Recognizer", "crops_of", "recognize"]

VIEWS = 5  # in which an object is largest
MIN_PIXELS = 200  # of an object in a view that say what it is
CONTEXT = 0.15  # share of the longer side around an object that its crop shows
SOFT = 0.02  # standard deviation of the mask's rim, of the longer side
FADED = 0.6  # how far what is around the object is faded to grey


class Recognizer(Protocol):
    """Whatever can tell what photos show."""

    @property
    def name(self) -> str:
        """What a label calls it as its source."""
        ...

    def name_of(self, crops: Sequence[Tensor]) -> tuple[str, float]:  # each (S, S, 3) 0..1
        """A word for the thing that all crops show, and how sure it is in 0..1."""
        ...


def recognize(
    recognizer: Recognizer,
    numbers: Sequence[int],
    pixels: list[Tensor],  # per view (H, W) int64
    photos: list[Tensor],  # per view (H, W, 3) 0..1
    confidence: float,  # 0..1, the least
) -> dict[int, tuple[str, float]]:
    """A word and its confidence for each object that is recognized surely enough."""
    found = {}
    for number in numbers:
        crops = crops_of(number, pixels, photos)
        if crops:
            word, sure = recognizer.name_of(crops)
            if sure >= confidence:
                found[number] = word, sure
    return found


def crops_of(number: int, pixels: list[Tensor], photos: list[Tensor]) -> list[Tensor]:  # each (S, S, 3)
    """Square pieces of the photos that show an object largest, with a little of what is around it, faded."""
    areas = torch.tensor([int((picture == number).sum()) for picture in pixels])
    views = areas.sort(descending=True, stable=True).indices[:VIEWS]
    return [_crop(photos[i], pixels[i] == number) for i in views.tolist() if areas[i] >= MIN_PIXELS]


def _crop(photo: Tensor, mask: Tensor) -> Tensor:
    rows, columns = mask.nonzero().unbind(1)
    middle = [(int(axis.min()) + int(axis.max()) + 1) // 2 for axis in (rows, columns)]
    longer = max(int(axis.max() - axis.min()) + 1 for axis in (rows, columns))
    half = int(longer * (0.5 + CONTEXT)) + 1
    soft = torch.from_numpy(ndimage.gaussian_filter(mask.numpy().astype(np.float32), SOFT * longer)).clamp(0, 1)
    grey = photo[mask].mean().expand(3)
    weight = 1 - FADED * (1 - torch.maximum(soft, mask.float()))[..., None]
    shown = weight * photo + (1 - weight) * grey
    top, left = middle[0] - half, middle[1] - half
    crop = grey.expand(2 * half, 2 * half, 3).clone()  # beyond the photo's rim is nothing
    y0, x0 = max(0, top), max(0, left)
    piece = shown[y0 : top + 2 * half, x0 : left + 2 * half]
    crop[y0 - top : y0 - top + piece.shape[0], x0 - left : x0 - left + piece.shape[1]] = piece
    return crop
