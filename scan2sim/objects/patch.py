"""A piece of a support as a picture: square cells in its plane, what the views saw of them and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import grid_sample

from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.splats import Gaussians

__all__ = ["Patch", "grown", "patch_around", "photographed", "without_holes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_CELLS = 500  # along a side
NEAR_PLANE = 0.02  # what is further from the plane is no support [camera distances]
FRINGE = 2  # pixels beside an object that show a bit of it


@dataclass(frozen=True)
class Patch:
    """Rows × columns of square cells; row and column go along the y and x axis of the plane's frame."""

    plane: SupportPlane
    low: Array  # (2,) [m] corner of cell (0, 0) in the plane's frame
    rows: int
    columns: int
    cell: float  # [m]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.rows, self.columns

    def points(self) -> Array:  # (rows, columns, 3) [m] scene frame
        """The centres of the cells."""
        y, x = np.mgrid[: self.rows, : self.columns] + 0.5
        flat = np.stack([x, y], -1) * self.cell + self.low
        return flat @ self.plane.rotation[:, :2].T + self.plane.position

    def cells(self, flat: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask]:  # (..., 2) to (...) each
        """Row and column in which points of the plane's frame lie, 0 for those outside; and which lie inside."""
        index = np.floor((flat - self.low) / self.cell)
        inside = np.asarray(((index >= 0) & (index < [self.columns, self.rows])).all(axis=-1), bool)
        index = np.where(inside[..., None], index, 0).astype(np.int64)
        return index[..., 1], index[..., 0], inside

    def covered(self, flat: Array) -> Mask:  # (N, 2) to (rows, columns)
        """The cells with points in them, without gaps of one cell."""
        y, x, inside = self.cells(flat)
        out = np.zeros(self.shape, bool)
        out[y[inside], x[inside]] = True
        return np.asarray(ndimage.binary_closing(np.pad(out, 1)), bool)[1:-1, 1:-1]

    def near(self, gaussians: Gaussians, unit: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask]:
        """Row and column of each Gaussian (N,), and which belong to the surface of this piece of the support."""
        y, x, inside = self.cells(self.plane.flat(gaussians.means.numpy().astype(np.float64)))
        return y, x, inside & (self.plane.height(gaussians.means).abs() < NEAR_PLANE * unit).numpy()


def grown(mask: Mask, cells: int) -> Mask:
    """A mask that reaches some cells (at least one) further."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=cells), bool)


def without_holes(mask: Mask) -> Mask:
    """A mask with what it encloses."""
    return np.asarray(ndimage.binary_fill_holes(mask), bool)


def patch_around(plane: SupportPlane, flat: Array, margin: float, cell: float) -> Patch:
    """The piece of the plane that holds points (N, 2) of its frame with a margin [m]; cells grow if it is large."""
    low, high = flat.min(0) - margin, flat.max(0) + margin
    cell = max(cell, float((high - low).max()) / MAX_CELLS)
    columns, rows = np.ceil((high - low) / cell).astype(int).tolist()
    return Patch(plane, low, rows, columns, cell)


def photographed(
    patch: Patch,
    views: list[View],
    pictures: list[Tensor],  # per view (H, W, 3) in 0..1
    owners: list[Tensor],  # per view (H, W) int64: the object that a pixel shows, 0 = none
    solids: Array,  # (N, 3) [m] points on the objects' surfaces, as dense as the cells
    unit: float,  # camera distance [m]
) -> tuple[Array, NDArray[np.int64]]:
    """Colour (rows, columns, 3) of the support in the pictures, and how many views see each cell (rows, columns).

    A view sees a cell where it shows the support itself, not an object nor its fringe nor anything before it; where
    an object's foot blends into the support, the object's surface tells what it hides from the view.  Views
    count as much as they have pixels per cell, so that grazing and far ones do not blur what near ones show.
    """
    points = torch.from_numpy(patch.points().reshape(-1, 3)).float()
    total, weight, count = torch.zeros(len(points), 3), torch.zeros(len(points), 1), torch.zeros(len(points))
    for view, picture, owner in zip(views, pictures, owners, strict=True):
        index, z, inside = view.project(points)
        clear = torch.from_numpy(~grown(owner.numpy() > 0, FRINGE)).flatten()
        hidden = torch.from_numpy(grown(_behind(patch, solids, view.camera.position), 1)).flatten()
        away = points - torch.from_numpy(view.camera.position).float()
        steep = (away @ torch.from_numpy(patch.plane.normal).float()).abs() / away.norm(dim=1)
        near = (view.depth.flatten()[index] - z).abs() < NEAR_PLANE * unit
        sees = inside & ~hidden & clear[index] & near
        share = (sees * (view.camera.intrinsics.fx * unit / z.clamp_min(1e-9)) ** 2 * steep)[:, None]
        total += share * _between_pixels(picture, view, points)
        weight += share
        count += sees
    color = (total / weight.clamp_min(1e-9)).double().numpy().reshape(*patch.shape, 3)
    return color, count.long().numpy().reshape(patch.shape)


def _behind(patch: Patch, solids: Array, eye: Array) -> Mask:  # (rows, columns)
    """The cells that lie behind a surface as seen from an eye, those seen through its holes as well."""
    above = patch.plane.rotation.T @ (eye - patch.plane.position)
    points = (solids - patch.plane.position) @ patch.plane.rotation
    points = points[points[:, 2] < 0.99 * above[2]]
    shadow = above[:2] + (points[:, :2] - above[:2]) * (above[2] / (above[2] - points[:, 2:]))
    return without_holes(patch.covered(shadow))


def _between_pixels(picture: Tensor, view: View, points: Tensor) -> Tensor:  # (N, 3)
    """The picture's colours where points lie, linear between the centres of the pixels."""
    k = view.camera.intrinsics
    pose = torch.from_numpy(view.camera.world_from_camera).float()
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).unbind(-1)
    z = z.clamp_min(1e-9)
    at = torch.stack([(x / z * k.fx + k.cx) / k.width, (y / z * k.fy + k.cy) / k.height], -1) * 2 - 1
    image = picture.permute(2, 0, 1)[None]
    return grid_sample(image, at[None, None], padding_mode="border", align_corners=False)[0, :, 0].T
