"""Colours of any place of an object's surface, straight from the photos, for its texture."""

from __future__ import annotations

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn.functional import grid_sample

from scan2sim.bodies import ColorsAt, colors_of
from scan2sim.objects.views import View

__all__ = ["photo_colors"]

SHARPNESS = 4  # power of the cosine between normal and ray by which photos count: the steepest looks are the sharpest
KNOWN = 0.1  # weight of photos under which the mesh's own colours come in


def photo_colors(
    mesh: trimesh.Trimesh,  # with vertex colours, for what no photo shows
    views: list[View],
    photos: list[Tensor],  # per view (H, W, 3) 0..1, as bright as the view
    masks: list[Tensor],  # per view (H, W) bool: pixels that show the object
    tolerance: float,  # [m] between a place and the surface that the view sees
) -> ColorsAt:
    """A function from places (N, 3) [m] on the surface to the mean of the photos that see them, (N, 3) 0..1."""
    tree, own = KDTree(mesh.vertices), colors_of(mesh)

    def colors_at(points: NDArray[np.float64]) -> NDArray[np.float64]:
        places = torch.tensor(points, dtype=torch.float32)
        normals = torch.tensor(mesh.vertex_normals[tree.query(points)[1]], dtype=torch.float32)
        total, weight = torch.zeros(len(places), 3), torch.zeros(len(places))
        for view, photo, mask in zip(views, photos, masks, strict=True):
            _, facing = view.facing(places, normals, mask, tolerance)
            chosen = facing.nonzero()[:, 0]
            share = facing[chosen] ** SHARPNESS
            pixels, _ = view.camera.project(points[chosen.numpy()])
            size = torch.tensor([view.size[1], view.size[0]])
            grid = (2 * torch.from_numpy(pixels).float() / size - 1)[None, None]
            picture = photo.permute(2, 0, 1)[None]
            found = grid_sample(picture, grid, padding_mode="border", align_corners=False)[0, :, 0].T
            total[chosen] += share[:, None] * found
            weight[chosen] += share
        known = (weight / KNOWN).clamp(max=1.0).numpy()[:, None]
        mean = (total / weight.clamp_min(1e-9)[:, None]).double().numpy()
        return known * mean + (1 - known) * own(points)

    return colors_at
