"""Which of two surfaces photos believe that had no say in either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from scan2sim.objects.gloss import mirrors_light, typical_brightness
from scan2sim.objects.mesh_views import camera_rays
from scan2sim.objects.stereo import NEIGHBOURS
from scan2sim.objects.windows import StereoView, crop_about, likeness, neighbours

__all__ = ["believed"]

HIDDEN = 0.024  # what lies so far behind a photo's surface is hidden from it [camera distances]
EVERY = 2  # view is asked


def believed(
    meshes: Sequence[trimesh.Trimesh],  # scene frame
    views: list[StereoView],  # what each photo sees of them
    unit: float,  # camera distance [m]
) -> NDArray[np.float64]:  # (len(meshes),)
    """How alike photos are on each mesh, in patterns and in brightness; what no two photos see has 0.

    A surface that was moved to where photos agree is not judged by these: each photo is compared with others than the
    stereo compared it with, those that suit a comparison next best.  Mirrored lights do not count: they are alike where
    their image is, not where the surface is.
    """
    bright = typical_brightness(views, len(meshes))
    centre = np.mean([mesh.bounds.mean(0) for mesh in meshes], axis=0)
    total, pixels = np.zeros(len(meshes)), np.zeros(len(meshes))
    for i in range(0, len(views), EVERY):
        view = views[i]
        jury = [views[k] for k in neighbours(views, i, centre)[NEIGHBOURS : 2 * NEIGHBOURS]]
        rays = camera_rays(view.camera)
        for number in view.sight.number.unique().tolist():
            if number < 1:
                continue
            crop = crop_about(view, number, rays)
            alike, seen = torch.zeros(crop.depth.shape), torch.zeros(crop.depth.shape)
            for other in jury:
                pattern, level, visible = likeness(crop, view, other, torch.zeros(1), HIDDEN * unit)
                alike += torch.where(visible, pattern[0] + level[0], 0.0)
                seen += visible
            known = (seen >= 2) & (crop.number == number) & ~mirrors_light(crop, view, views, bright, unit)
            total[number - 1] += float((alike / seen.clamp_min(1))[known].sum())
            pixels[number - 1] += int(known.sum())
    return total / np.maximum(pixels, 1)
