"""How far photos believe a surface that had no say in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.objects.gloss import mirrors_light, typical_brightness
from scan2sim.objects.mesh_views import camera_rays
from scan2sim.objects.stereo import NEIGHBOURS
from scan2sim.objects.windows import StereoView, crop_about, likeness, neighbours

__all__ = ["Opinion", "believed", "best_rivals", "opinions", "plain_pixels"]

HIDDEN = 0.024  # what lies so far behind a photo's surface is hidden from it [camera distances]
EVERY = 2  # view is asked
CLEARLY = 0.005  # by how much photos must believe a rival more
CONVEX = 0.93  # share of its convex hull that a round thing fills at least; …
DENT = 0.015  # … a rival that fills so much less of its own has a dent


@dataclass(frozen=True)
class Opinion:
    """What one photo says of one mesh."""

    number: int  # of the mesh, from 1
    face: Tensor  # (P,) at each pixel
    likeness: Tensor  # (P,) of patterns and brightness there, to photos that the stereo did not compare it with


def believed(
    meshes: Sequence[trimesh.Trimesh],  # scene frame
    views: list[StereoView],  # what each photo sees of them
    unit: float,  # camera distance [m]
) -> NDArray[np.float64]:  # (len(meshes),)
    """How alike photos are on each mesh, in patterns and in brightness; what no two photos see has 0."""
    total, pixels = np.zeros(len(meshes)), np.zeros(len(meshes))
    for opinion in opinions(meshes, views, plain_pixels(len(meshes), views, unit), unit):
        total[opinion.number - 1] += float(opinion.likeness.sum())
        pixels[opinion.number - 1] += len(opinion.likeness)
    return total / np.maximum(pixels, 1)


def best_rivals(
    rivals: Sequence[Sequence[trimesh.Trimesh]],  # (R, N): of each rival all objects' surfaces
    marks: NDArray[np.float64],  # (R, N) how far photos believe each
) -> NDArray[np.int64]:  # (N,)
    """Which rival is best for each object; the first one where none is believed clearly more.

    Lights that a round thing mirrors seem to lie beneath its surface, so all photos may agree on a dent there: none is
    chosen that dents what is round in the first.
    """
    filled = np.array([[each.volume / each.convex_hull.volume for each in surfaces] for surfaces in rivals])
    marks = np.where((filled[0] > CONVEX) & (filled < filled[0] - DENT), -np.inf, marks)
    marks[0] += CLEARLY
    return np.argmax(marks, axis=0)


def plain_pixels(count: int, views: list[StereoView], unit: float) -> dict[int, Tensor]:
    """Of each view that is asked the pixels (H, W) bool that show one of ``count`` meshes and mirror no light.

    Mirrored lights are alike where their image is, not where the surface is.
    """
    bright, plain = typical_brightness(views, count), {}
    for i in range(0, len(views), EVERY):
        view, rays = views[i], camera_rays(views[i].camera)
        plain[i] = torch.zeros(view.gray.shape, dtype=torch.bool)
        for number in _numbers(view):
            crop = crop_about(view, number, rays)
            plain[i][crop.rows, crop.columns] |= crop.own & ~mirrors_light(crop, view, views, bright, unit)
    return plain


def opinions(
    meshes: Sequence[trimesh.Trimesh],  # scene frame
    views: list[StereoView],  # what each photo sees of them
    pixels: dict[int, Tensor],  # of the views that are asked, those (H, W) bool to look at
    unit: float,  # camera distance [m]
) -> Iterator[Opinion]:
    """What photos say of meshes where at least two others see them, too.

    A surface that was moved to where photos agree is not judged by these: each photo is compared with others than the
    stereo compared it with, those that suit a comparison next best.
    """
    centre = np.mean([mesh.bounds.mean(0) for mesh in meshes], axis=0)
    for i, chosen in pixels.items():
        view, rays = views[i], camera_rays(views[i].camera)
        jury = [views[k] for k in neighbours(views, i, centre)[NEIGHBOURS : 2 * NEIGHBOURS]]
        for number in _numbers(view):
            crop = crop_about(view, number, rays)
            part = crop.rows, crop.columns
            alike, seen = torch.zeros(crop.depth.shape), torch.zeros(crop.depth.shape)
            for other in jury:
                pattern, level, visible = likeness(crop, view, other, torch.zeros(1), HIDDEN * unit)
                alike += torch.where(visible, pattern[0] + level[0], 0.0)
                seen += visible
            known = (seen >= 2) & crop.own & chosen[part]
            yield Opinion(number, view.sight.face[part][known], (alike / seen.clamp_min(1))[known])


def _numbers(view: StereoView) -> list[int]:
    return [number for number in view.sight.number.unique().tolist() if number > 0]
