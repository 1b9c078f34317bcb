"""How far the outlines of a mesh lie from those of the object in the photos."""

from __future__ import annotations

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.objects.mesh_views import Sight
from scan2sim.objects.views import View

__all__ = ["outline_shifts"]

GRAZING = 0.15  # cosine between normal and ray up to which a vertex is where the surface turns away
RIM = 1.5  # pixels from the mesh's own outline within which its vertices are looked at
FAR = 8.0  # pixels between two outlines, at most, that can be the same
MARGIN = 16  # pixels about a mask in which distances are needed


def outline_shifts(
    mesh: trimesh.Trimesh,
    sights: list[Sight],  # per view, what it sees of all meshes
    number: int,  # of this mesh in them
    masks: list[Tensor],  # per view (H, W) bool: the pixels that show the object
    views: list[View],
    behind: float,  # what lies so far before a vertex hides it [m]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # (V,) [m] along the normal, (V,) how many views tell
    """How far vertices on the mesh's outlines must move along their normals to lie on the object's.

    Where a surface turns away from a camera its normal lies in the picture, so a vertex there moves by as many pixels
    as the two outlines are apart: the difference of their signed distances at its pixel.  An outline that another
    thing draws by hiding the object tells nothing.
    """
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(mesh.vertex_normals, dtype=torch.float32)
    total, weight = torch.zeros(len(points)), torch.zeros(len(points))
    for view, sight, mask in zip(views, sights, masks, strict=True):
        own = sight.number == number
        if not own.any() or not mask.any():
            continue
        index, z, inside = view.project(points)
        mine, _ = _signed_distance(own)
        true, beside = _signed_distance(mask)
        gap = (true - mine).flatten()[index]
        there = view.depth.flatten()[beside.flatten()[index]]
        free = (there <= 0) | (there > z - behind)
        towards = normalize(torch.from_numpy(view.camera.position).float() - points, dim=1)
        turned = (1 - (towards * normals).sum(1).abs() / GRAZING).clamp_min(0)
        share = turned * (inside & free & (mine.flatten()[index].abs() < RIM) & (gap.abs() < FAR))
        total += share * gap * z / view.camera.intrinsics.fx
        weight += share
    return (total / weight.clamp_min(1e-9)).double().numpy(), weight.double().numpy()


def _signed_distance(mask: Tensor) -> tuple[Tensor, Tensor]:  # (H, W) pixels, inside positive; (H, W) flat index
    """To the mask's outline; and the pixel next to each that is not in the mask.  Far outside it is just far."""
    height, width = mask.shape
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    top, left = max(0, rows[0] - MARGIN), max(0, columns[0] - MARGIN)
    part = mask[top : rows[-1] + MARGIN + 1, left : columns[-1] + MARGIN + 1].numpy()
    inner, (row, column) = distance_transform_edt(part, return_indices=True)  # pyright: ignore[reportGeneralTypeIssues]
    distance = torch.full((height, width), -float(height + width))
    beside = torch.arange(height * width).reshape(height, width)
    where = slice(top, top + len(part)), slice(left, left + part.shape[1])
    signed = np.where(part, inner - 0.5, 0.5 - distance_transform_edt(~part))  # pyright: ignore[reportOperatorIssue]
    distance[where] = torch.from_numpy(signed).float()
    beside[where] = torch.from_numpy((row + top) * width + column + left).long()
    return distance, beside
