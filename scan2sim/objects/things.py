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

__all__ = ["NOBODY", "Things", "coherent_things", "find_things"]

WHOLE = 0.95  # what falls into several things must be as coherent as this altogether, part by part or all as one
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
    coherent = coherent_things(apart.pixels, apart.whole.tolist(), config.min_coherence)
    for number in range(1, apart.grid.count + 1):
        whole = int(apart.whole[number])
        real[number] = bool(own[whole] >= config.min_own and number in coherent)
        doubtful += bool(not real[number] and own[whole] >= DOUBT and number == whole)
    labels[~torch.tensor(real)[labels]] = 0
    labels[(labels > 0) & (weight < PAINTED)] = NOBODY
    return Things(views, apart, labels, weight, doubtful, masks)


def coherent_things(
    pixels: list[Tensor],  # per view (H, W) int64 number of each pixel, 0 = none
    whole: list[int],  # of each number 0, 1, …: the number that it had when all that touches was one
    least: float,
) -> set[int]:
    """The numbers whose pixels lie in one blob of each view, up to a share of ``least``, as those of things do.

    What was taken apart must hang together altogether, too: a cloth's bumps that touch are no things, though each is
    one blob.  But a thing is in two blobs where one that stands on it hides its middle; both together are in one.
    """
    blobs = np.array([coherence([picture == number for picture in pixels]) for number in range(len(whole))])
    found = set()
    for group in set(whole[1:]):
        parts = [number for number in range(1, len(whole)) if whole[number] == group]
        ways = [blobs[parts].sum(0)]
        if len(parts) > 1:
            ways.append(coherence([torch.isin(picture, torch.tensor(parts)) for picture in pixels]))
        if any(one >= (WHOLE if len(parts) > 1 else least) * all_ > 0 for one, all_ in ways):
            found |= {number for number in parts if blobs[number][0] >= least * blobs[number][1] > 0}
    return found
