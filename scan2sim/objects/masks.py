"""A second opinion on which pixels show which object, from a source that looks at the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scan2sim.objects.prompts import Prompt, prompts_for
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["MaskSource", "Masks", "ask_masks"]


class MaskSource(Protocol):
    """Whatever can outline objects in a photo."""

    @property
    def name(self) -> str:
        """What the scene calls it."""
        ...

    def ask(
        self,
        photo: Tensor,  # (H, W, 3) 0..1
        prompts: Sequence[Prompt],  # K of them, at least one
    ) -> Tensor:  # (K, H, W)
        """How sure each pixel shows each object: above 0 it does."""
        ...


@dataclass(frozen=True)
class Masks:
    """What a source has answered, as far as it is believed."""

    pictures: list[Tensor]  # per view (H, W) int64 object numbers, 0 = none
    used: int  # masks, of one object in one view each
    refused: int  # masks that disagreed with geometry; there geometry's own pixels stand


def ask_masks(
    source: MaskSource,
    photos: list[Tensor],  # per view (H, W, 3) 0..1
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) int64: the objects that geometry has found
    grid: VoxelLabels,
    plane: SupportPlane,
    reach: float,  # [m] how far beyond its voxels' box an object may go on
    agreement: float,  # least intersection over union with geometry's pixels
    report: Reporter = silent,
) -> Masks:
    """Ask for every object in every view; where masks overlap, the surer one has the pixel.

    A photo's shadows and mirror images look like parts of things, and a network may have understood something else
    altogether.  So a mask ends where the surface is too far from the object's voxels, and one that still shares too
    little with geometry's pixels of the object is not used in that view.
    """
    boxes = {n: _around(grid.box(n, plane), reach) for n in grid.labels.unique().tolist() if n > 0}
    pictures, used, refused = [], 0, 0
    for i, (view, photo, picture) in enumerate(zip(views, photos, pixels, strict=True)):
        prompts = [prompt for prompt in prompts_for(picture) if prompt.number in boxes]
        if prompts:
            numbers = torch.tensor([prompt.number for prompt in prompts])
            points, has = view.points()
            near = torch.stack([has & _within(points, boxes[prompt.number]) for prompt in prompts])
            scores = source.ask(photo, prompts)
            scores = torch.where(near & (scores > 0), scores, 0.0)
            agrees = _overlap(scores > 0, picture == numbers[:, None, None]) >= agreement
            used, refused = used + int(agrees.sum()), refused + int((~agrees).sum())
            picture = _painted(picture, scores[agrees], numbers[agrees])
        pictures.append(picture)
        report("asking for masks", i + 1, len(views))
    return Masks(pictures, used, refused)


def _painted(picture: Tensor, scores: Tensor, numbers: Tensor) -> Tensor:  # (H, W)
    """The picture with some objects' (K,) pixels replaced by where their scores (K, H, W) are above 0."""
    if not len(numbers):
        return picture
    surest, which = scores.max(0)
    others = torch.where(torch.isin(picture, numbers), 0, picture)
    return torch.where(surest > 0, numbers[which], others)


def _around(box: tuple[Tensor, Tensor], reach: float) -> tuple[Tensor, Tensor]:
    low, high = box
    return low - reach, high + reach


def _within(points: Tensor, box: tuple[Tensor, Tensor]) -> Tensor:  # (..., 3) [m] to (...) bool
    low, high = box
    return ((points > low) & (points < high)).all(-1)


def _overlap(a: Tensor, b: Tensor) -> Tensor:  # (K, H, W) bool to (K,)
    """Intersection over union."""
    return (a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp_min(1)
