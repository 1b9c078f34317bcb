"""How far the outlines of a mesh lie from those of the object in the photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.objects.mesh_views import Sight
from scan2sim.objects.views import View

__all__ = ["Rim", "outline_shifts", "rim_of"]

GRAZING = 0.15  # cosine between normal and ray up to which a vertex is where the surface turns away
RIM = 1.5  # pixels from the mesh's own outline within which its vertices are looked at
FAR = 8.0  # pixels between two outlines, at most, that can be the same
MARGIN = 16  # pixels about a mask in which distances are needed


@dataclass(frozen=True)
class Rim:
    """Distances to a mask's outline near it; far away it is just far."""

    rows: slice
    columns: slice
    distance: Tensor  # (h, w) [pixels], inside positive
    beside: Tensor  # (h, w) flat index of the pixel next to each that is not in the mask

    def at(self, values: Tensor, index: Tensor, width: int, elsewhere: Tensor) -> Tensor:  # (N,)
        """Of flat pixel indices the value, one of (h, w), or what stands for it elsewhere."""
        row, column = index // width - self.rows.start, index % width - self.columns.start
        inside = (row >= 0) & (row < values.shape[0]) & (column >= 0) & (column < values.shape[1])
        near = values[row.clamp(0, values.shape[0] - 1), column.clamp(0, values.shape[1] - 1)]
        return torch.where(inside, near, elsewhere)


def outline_shifts(
    mesh: trimesh.Trimesh,
    sights: list[Sight],  # per view, what it sees of all meshes
    number: int,  # of this mesh in them
    rims: list[Rim | None],  # per view, of the pixels that show the object
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
    for view, sight, theirs in zip(views, sights, rims, strict=True):
        own = rim_of(sight.number == number)
        if own is None or theirs is None:
            continue
        index, z, inside = view.project(points)
        width, far = view.depth.shape[1], torch.tensor(-float(sum(view.depth.shape)))
        mine = own.at(own.distance, index, width, far)
        gap = theirs.at(theirs.distance, index, width, far) - mine
        there = view.depth.flatten()[theirs.at(theirs.beside, index, width, index)]
        free = (there <= 0) | (there > z - behind)
        towards = normalize(torch.from_numpy(view.camera.position).float() - points, dim=1)
        turned = (1 - (towards * normals).sum(1).abs() / GRAZING).clamp_min(0)
        share = turned * (inside & free & (mine.abs() < RIM) & (gap.abs() < FAR))
        total += share * gap * z / view.camera.intrinsics.fx
        weight += share
    return (total / weight.clamp_min(1e-9)).double().numpy(), weight.double().numpy()


def rim_of(mask: Tensor) -> Rim | None:  # (H, W) bool
    """The distances about a mask; None where nothing is in it."""
    if not mask.any():
        return None
    width = mask.shape[1]
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    top, left = max(0, int(rows[0]) - MARGIN), max(0, int(columns[0]) - MARGIN)
    where = slice(top, int(rows[-1]) + MARGIN + 1), slice(left, int(columns[-1]) + MARGIN + 1)
    part = mask[where].numpy()
    inner, (row, column) = distance_transform_edt(part, return_indices=True)  # pyright: ignore[reportGeneralTypeIssues]
    signed = np.where(part, inner - 0.5, 0.5 - distance_transform_edt(~part))  # pyright: ignore[reportOperatorIssue]
    beside = (row + top) * width + column + left
    return Rim(*where, torch.from_numpy(signed).float(), torch.from_numpy(beside).long())
