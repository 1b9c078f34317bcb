"""Depth from the photos themselves: the surface of a first mesh, moved to where neighbouring photos agree on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from scan2sim.objects.gloss import mirrors_light
from scan2sim.objects.mesh_views import camera_rays
from scan2sim.objects.windows import Crop, StereoView, crop_about, likeness, neighbours

__all__ = ["NEIGHBOURS", "Evidence", "StereoDepth", "stereo_depth"]

Evidence = Literal["patterns", "brightness"]  # what tells that photos agree; brightness: and patterns

NEIGHBOURS = 4  # photos that each is compared with
AGGREGATE = 2.0  # standard deviation over which neighbouring pixels' agreement is averaged [pixels]
SMOOTH = 3.0  # standard deviation over which a trusted shift carries on [pixels]
LEAST = 0.2  # agreement of patterns below it is none
LEVEL_WEIGHT = 2.0  # of equal brightness beside that of patterns, where both count
LEVEL_LEAST = 0.5  # likeness of brightness up to which a shift is not trusted then
CLEAR = 0.1  # an agreement that stands out by this much is trusted wholly
STAY = 0.02  # weight of no shift where nothing is trusted
HIDDEN = 0.024  # what lies so far behind a neighbour's surface is hidden from it [camera distances]


@dataclass(frozen=True)
class StereoDepth:
    """The meshes' depth in one view after the photos were asked."""

    depth: Tensor  # (H, W) [m], 0 = no mesh
    trust: Tensor  # (H, W) 0..1: how clearly photos agree

    def resized(self, size: tuple[int, int]) -> StereoDepth:
        """The same for a picture of another height and width, without blending across edges."""
        pair = interpolate(torch.stack([self.depth, self.trust])[None], size, mode="nearest-exact")[0]
        return StereoDepth(pair[0], pair[1])


def stereo_depth(
    views: list[StereoView],
    index: int,
    offsets: Tensor,  # (T,) [m] shifts of the depth to try, evenly spaced about 0
    bright: Tensor,  # (count + 1,) what is brighter, by mesh number, may be a reflection
    centre: NDArray[np.float64],  # (3,) [m] of the objects
    unit: float,  # camera distance [m]
    kinds: tuple[Evidence, ...] = ("patterns",),
) -> dict[Evidence, StereoDepth]:
    """Shift the depth of view ``index`` to where the photo agrees best with its neighbours, for each kind of evidence.

    Each pixel's surface point is moved along its ray, and for each shift a window about the pixel is carried over to
    the neighbours by the shape of the mesh, so that neither slope nor curvature nor the mesh's outline disturb it.
    Agreement is the normalised cross correlation with the windows found there, its variances raised by the photos'
    grain (Furukawa & Hernández 2015, "Multi-View Stereo: A Tutorial", chapter 2), averaged over neighbouring pixels.
    Reflections of lights seem to lie behind convex and before concave surfaces, and are not trusted.  What is not
    trusted follows what is near it.  With ``brightness`` windows must be equally bright, too: fewer pixels then tell,
    and none whose pattern is a mirror's.
    """
    view = views[index]
    start = torch.where(view.sight.number > 0, view.sight.depth, 0.0)
    found: dict[Evidence, StereoDepth] = {kind: StereoDepth(start.clone(), torch.zeros(start.shape)) for kind in kinds}
    near, rays = [views[i] for i in neighbours(views, index, centre)[:NEIGHBOURS]], camera_rays(view.camera)
    for number in view.sight.number.unique().tolist():
        if number > 0 and near:
            crop = crop_about(view, number, rays)
            patterns, levels, known = _compared(crop, view, near, offsets, HIDDEN * unit, "brightness" in kinds)
            mirrors = mirrors_light(crop, view, views, bright, unit)
            part = crop.rows, crop.columns
            stay = STAY * _blur(crop.own.float()[None], SMOOTH)[0]
            for kind, each in found.items():
                shift, sure = _best(patterns, levels if kind == "brightness" else None, known, offsets)
                sure = sure * ~mirrors
                weight = _blur(sure[None], SMOOTH)[0]
                shift = _blur((sure * shift)[None], SMOOTH)[0] / (weight + stay).clamp_min(1e-9)
                each.depth[part] = torch.where(crop.own, crop.depth + shift, each.depth[part])
                each.trust[part] = torch.where(crop.own, (weight / CLEAR).clamp(0, 1), each.trust[part])
    return found


def _compared(
    crop: Crop, view: StereoView, near: list[StereoView], offsets: Tensor, hidden: float, with_levels: bool
) -> tuple[Tensor, Tensor | None, Tensor]:  # (T, h, w), (T, h, w), (h, w) bool
    """Likeness of patterns and of brightness, means over the neighbours and about each pixel, and where two see it."""
    patterns, levels = torch.zeros(2, len(offsets), *crop.depth.shape)
    seen = torch.zeros(crop.depth.shape)
    for other in near:
        pattern, level, visible = likeness(crop, view, other, offsets, hidden)
        patterns += torch.where(visible, pattern, 0.0)
        levels += torch.where(visible, level, 0.0)
        seen += visible
    known, times = (seen >= 2) & crop.own, seen.clamp_min(1)
    share = _blur(known.float()[None], AGGREGATE).clamp_min(1e-6)

    def about(total: Tensor) -> Tensor:
        return _blur(total / times * known, AGGREGATE) / share

    return about(patterns), about(levels) if with_levels else None, known


def _best(
    patterns: Tensor, levels: Tensor | None, known: Tensor, offsets: Tensor
) -> tuple[Tensor, Tensor]:  # (h, w) [m], (h, w)
    """The shift of the highest agreement, between the steps by a parabola, and by how much its pattern stands out."""
    near = patterns if levels is None else patterns + LEVEL_WEIGHT * levels
    place = near.argmax(0)
    last = len(offsets) - 1
    inner = place.clamp(1, last - 1)
    before, here, after = (near.gather(0, (inner + step)[None])[0] for step in (-1, 0, 1))
    curve = (before - 2 * here + after).clamp_max(-1e-6)
    fine = (0.5 * (before - after) / curve).clamp(-0.5, 0.5)
    pattern = patterns.gather(0, place[None])[0]
    sure = (pattern - patterns.mean(0)).clamp_min(0) * (known & (place > 0) & (place < last) & (pattern > LEAST))
    if levels is not None:
        level = levels.gather(0, place[None])[0]
        sure = sure * ((level - LEVEL_LEAST) / (1 - LEVEL_LEAST)).clamp_min(0)
    return offsets[inner] + fine * (offsets[1] - offsets[0]), sure


def _blur(pictures: Tensor, sigma: float) -> Tensor:  # (N, h, w)
    """Gaussian blur of each picture."""
    reach = int(3 * sigma)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma * sigma))
    kernel = (kernel / kernel.sum())[None, None]
    across = conv2d(pictures[:, None], kernel[:, :, None], padding=(0, reach))
    return conv2d(across, kernel[..., None], padding=(reach, 0))[:, 0]
