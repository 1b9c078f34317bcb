"""What views say of points in space: here is surface for sure, or here is nothing."""

from __future__ import annotations

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

__all__ = ["firmly_seen", "seen_through"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

GRAZING = 0.3  # cosine between surface and ray from which on a look tells where the surface is
LOOKS = 2  # so many views must see a point, or see through it
AHEAD = 4.0  # depth of an object's own pixels, which may be glossy, is less sure by this factor


def firmly_seen(mesh: trimesh.Trimesh, masks: list[Tensor], views: list[View], near: float) -> Flags:
    """Which vertices enough views see, and not from the side, where only their outline is known."""
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(np.array(mesh.vertex_normals), dtype=torch.float32)
    looks = torch.zeros(len(points))
    for view, mask in zip(views, masks, strict=True):
        looks += view.facing(points, normals, mask, near)[1] > GRAZING
    return (looks >= LOOKS).numpy()


def seen_through(points: Array, masks: list[Tensor], views: list[View], plane: SupportPlane, slack: float) -> Flags:
    """Where nothing of the object can be: under the support, or before what is seen beside it, or far before it."""
    where = torch.tensor(points, dtype=torch.float32)
    through = torch.zeros(len(where))
    for view, mask in zip(views, masks, strict=True):
        index, z, inside = view.project(where)
        depth, own = view.depth.flatten()[index], mask.flatten()[index]
        through += inside & ((depth <= 0) | (depth - z > slack * torch.where(own, AHEAD, 1.0)))
    return ((through >= LOOKS) | (plane.height(where) < -slack)).numpy()
