"""How much lighter or darker photos show one place of a surface: little on what is matt, much in a mirror or glass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import trimesh
from skimage.color import rgb2lab
from torch import Tensor

from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.views import View

__all__ = ["lightness_spread"]

NEAR = 0.004  # a vertex is seen by a view whose depth is so near [camera distances]
GRAZING = 0.3  # cosine between surface and ray from which on a look counts
LOOKS = 3  # so many views must see a place


def lightness_spread(
    meshes: Sequence[trimesh.Trimesh],  # scene frame; they hide each other
    views: list[View],
    photos: list[Tensor],  # per view (H, W, 3) 0..1, of equal exposure
    unit: float,  # camera distance [m]
) -> list[float]:
    """The standard deviation of CIELAB lightness over the views of a place, in the median over each mesh's vertices.

    What is matt looks alike from all sides, so it is 1 to 4 there, with gloss and with photos that are not sharp too.
    What mirrors or is seen through shows its surroundings; and a surface that is not where it was taken to be shows
    something else in each photo.  0 where hardly any place was seen by three views.
    """
    if not meshes:
        return []
    sights = see_meshes(meshes, [view.camera for view in views])
    lightness = [torch.from_numpy(rgb2lab(photo.numpy())[..., 0]).float().flatten() for photo in photos]
    spreads = []
    for number, mesh in enumerate(meshes, start=1):
        points = torch.tensor(mesh.vertices, dtype=torch.float32)
        normals = torch.tensor(np.array(mesh.vertex_normals), dtype=torch.float32)
        weight, total, squares, looks = torch.zeros(4, len(points))
        for view, sight, light in zip(views, sights, lightness, strict=True):
            exact = replace(view, depth=sight.depth)
            index, facing = exact.facing(points, normals, sight.number == number, NEAR * unit)
            facing[facing < GRAZING] = 0.0
            weight += facing
            total += facing * light[index]
            squares += facing * light[index].square()
            looks += facing > 0
        seen = looks >= LOOKS
        mean = total[seen] / weight[seen]
        spread = (squares[seen] / weight[seen] - mean.square()).clamp_min(0).sqrt()
        spreads.append(float(spread.median()) if len(spread) else 0.0)
    return spreads
