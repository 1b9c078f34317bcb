"""Colours for a mesh's vertices from the views, and which vertices no view saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor
from trimesh.visual import ColorVisuals

from scan2sim.objects.views import View

__all__ = ["color_mesh", "unseen_fraction"]

GRAY = 0.5  # colour of a mesh that no view saw at all


def color_mesh(
    mesh: trimesh.Trimesh,
    views: list[View],
    masks: list[Tensor],  # per view (H, W) bool: pixels that show the object
    tolerance: float,  # [m] between the vertex and the surface that the view sees
    images: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = (),  # rotation (3, 3), shift (3,) of symmetries
) -> NDArray[np.bool_]:  # (V,) vertices that some view saw
    """Give every vertex the mean colour of its views, weighted by the squared cosine of the angle to its normal.

    A vertex that no view saw takes the colour of the one that was seen nearest to its place, or to an image of its
    place under a symmetry.
    """
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(np.array(mesh.vertex_normals), dtype=torch.float32)
    color, weight = torch.zeros(len(points), 3), torch.zeros(len(points))
    for view, mask in zip(views, masks, strict=True):
        index, facing = view.facing(points, normals, mask, tolerance)
        share = facing.square()
        color += share[:, None] * view.color.reshape(-1, 3)[index]
        weight += share
    seen = (weight > 1e-3).numpy()
    rgb = np.full((len(points), 3), GRAY)
    if seen.any():
        mean = (color / weight.clamp_min(1e-9)[:, None]).numpy()
        places = [mesh.vertices, *(mesh.vertices @ linear.T + shift for linear, shift in images)]
        distance, nearest = KDTree(mesh.vertices[seen]).query(np.stack(places))
        rgb = mean[seen][np.take_along_axis(nearest, distance.argmin(0)[None], axis=0)[0]]
    rgba = np.concatenate([rgb, np.ones((len(rgb), 1))], 1)
    mesh.visual = ColorVisuals(mesh, vertex_colors=(rgba.clip(0, 1) * 255).round().astype(np.uint8))
    return seen


def unseen_fraction(mesh: trimesh.Trimesh, seen: NDArray[np.bool_]) -> float:
    """Share of the mesh's area whose triangles have at least two vertices that no view saw."""
    hidden = (~seen[mesh.faces]).sum(1) >= 2
    return float(mesh.area_faces[hidden].sum() / mesh.area)
