"""What stands on the support, told apart: in the views, in the voxels and in the Gaussians."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from scan2sim.objects.borders import move_borders
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.depths import refine_depths
from scan2sim.objects.enclosed import find_floors
from scan2sim.objects.islands import without_islands
from scan2sim.objects.masks import Masks, MaskSource, ask_masks
from scan2sim.objects.separate import (
    coherence,
    label_gaussians,
    label_pixels,
    relabel_gaussians,
    repaint,
    separate,
    separating_height,
)
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.touching import Apart, take_apart
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians

__all__ = ["NOBODY", "Things", "find_things"]

WHOLE = 0.95  # what falls into several things must be as coherent as this altogether
DOUBT = 0.2  # a patch of whose pixels its own Gaussians painted at least this share may be a thing
NOBODY = -1  # label of Gaussians of objects that …
PAINTED = 0.5  # … paint less than this many pixels in all views: they lie inside, or where no view looks
REACH = 0.03  # beyond what geometry found of a thing its masks may go on so far [camera distances]


@dataclass(frozen=True)
class Things:
    """What stands on the support, before it has meshes."""

    views: list[View]  # with floors mended
    apart: Apart
    labels: Tensor  # (N,) int64 number of each Gaussian, 0 = background, NOBODY = of a thing, but hardly painting
    weight: Tensor  # (N,) blending weight of each Gaussian over all views
    doubtful: int  # how many patches may be things
    masks: Masks | None  # what a source has answered, if one was asked


def find_things(
    views: list[View],
    photos: list[Tensor],  # per view (H, W, 3) 0..1
    gaussians: Gaussians,
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    source: MaskSource | None = None,
    report: Reporter = silent,
) -> Things:
    """Tell things apart by geometry, let a mask source move their borders, and drop what is too vague to be a thing.

    Where the source was believed in no view, all is as geometry has it.
    """
    grid = separate(views, plane, unit, config, report)
    lowest = separating_height(plane, unit, config)
    floors = find_floors(grid, views, plane, lowest)
    pixels = [floors.add_to(view, label_pixels(view, grid, plane, lowest)) for view in views]
    labels, weight, own = label_gaussians(gaussians, views, pixels, grid.count, report)
    pixels = repaint(gaussians, labels, views, report)
    pixels, views, islands = without_islands(pixels, [floors.raised(view) for view in views], plane, unit)
    if islands:
        labels, weight, own = label_gaussians(gaussians, views, pixels, grid.count, report)
        pixels = repaint(gaussians, labels, views, report)
        pixels, views, _ = without_islands(pixels, views, plane, unit)
    numbers = [n for n in range(1, grid.count + 1) if own[n] >= config.min_own]
    views = refine_depths(numbers, views, pixels, photos, grid, plane, unit, config, report)
    apart = take_apart(numbers, views, pixels, grid, plane, unit, config, report)
    if apart.territories:
        labels = relabel_gaussians(gaussians, labels, apart.whole, views, apart.pixels, report)
        pixels = repaint(gaussians, labels, views, report)
        pixels, views, _ = without_islands(pixels, views, plane, unit)
        apart = replace(apart, pixels=pixels)
    masks = None
    if source is not None:
        reach = REACH * unit
        masks = ask_masks(source, photos, views, apart.pixels, apart.grid, plane, reach, config.mask_agreement, report)
        if masks.used:
            labels, weight, _ = label_gaussians(gaussians, views, masks.pictures, apart.grid.count, report)
            pixels = repaint(gaussians, labels, views, report)
            seen = weight >= PAINTED
            apart = move_borders(apart, pixels, gaussians.means[seen], labels[seen], reach)
    real, doubtful = [False] * (apart.grid.count + 1), 0
    blobs = np.array([coherence([picture == n for picture in apart.pixels]) for n in range(apart.grid.count + 1)])
    for number in range(1, apart.grid.count + 1):
        whole = int(apart.whole[number])
        parts = (apart.whole == whole).numpy()
        group = blobs[parts].sum(0)  # a cloth's bumps that hang together are no things, though each is one blob
        enough = config.min_coherence, (WHOLE if parts.sum() > 1 else config.min_coherence)
        together = all(a >= share * b > 0 for (a, b), share in zip((blobs[number], group), enough, strict=True))
        real[number] = bool(own[whole] >= config.min_own and together)
        doubtful += bool(not real[number] and own[whole] >= DOUBT and number == whole)
    labels[~torch.tensor(real)[labels]] = 0
    labels[(labels > 0) & (weight < PAINTED)] = NOBODY
    return Things(views, apart, labels, weight, doubtful, masks)
