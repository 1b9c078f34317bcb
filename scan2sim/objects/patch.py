"""A piece of a support as a picture: square cells in its plane, what the views saw of them and their colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.splats import SH_C0, Gaussians, evaluate_sh, rasterize

__all__ = ["NEAR_PLANE", "Patch", "from_above", "patch_around", "times_seen"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_CELLS = 400  # along a side
NEAR_PLANE = 0.02  # what is further from the plane is no support [camera distances]
FRINGE = 2  # pixels beside an object that show a bit of it
EYES = 8  # places from which the support's colours are averaged


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
        inside = ((index >= 0) & (index < [self.columns, self.rows])).all(-1)
        index = np.where(inside[..., None], index, 0).astype(np.int64)
        return index[..., 1], index[..., 0], inside

    def covered(self, flat: Array) -> Mask:  # (N, 2) to (rows, columns)
        """The cells with points in them, without gaps of one cell."""
        y, x, inside = self.cells(flat)
        out = np.zeros(self.shape, bool)
        out[y[inside], x[inside]] = True
        return ndimage.binary_closing(np.pad(out, 1))[1:-1, 1:-1]

    def near(self, gaussians: Gaussians, unit: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask]:
        """Row and column of each Gaussian (N,), and which belong to the surface of this piece of the support."""
        y, x, inside = self.cells(self.plane.flat(gaussians.means.numpy().astype(np.float64)))
        return y, x, inside & (self.plane.height(gaussians.means).abs() < NEAR_PLANE * unit).numpy()

    def sample(self, field: Array, points: Tensor) -> Array:  # (rows, columns, C), (N, 3) [m] to (N, C)
        """A field's value at each point, linear between the centres of the cells."""
        at = (self.plane.flat(points.numpy().astype(np.float64)) - self.low) / self.cell - 0.5
        channels = np.moveaxis(field, -1, 0)
        return np.stack([ndimage.map_coordinates(c, at.T[::-1], order=1, mode="nearest") for c in channels], -1)


def patch_around(plane: SupportPlane, flat: Array, margin: float, cell: float) -> Patch:
    """The piece of the plane that holds points (N, 2) of its frame with a margin [m]; cells grow if it is large."""
    low, high = flat.min(0) - margin, flat.max(0) + margin
    cell = max(cell, float((high - low).max()) / MAX_CELLS)
    columns, rows = np.ceil((high - low) / cell).astype(int).tolist()
    return Patch(plane, low, rows, columns, cell)


def times_seen(
    patch: Patch,
    views: list[View],
    owners: list[Tensor],  # per view (H, W) int64: the object that a pixel shows, 0 = none
    unit: float,
) -> NDArray[np.int64]:  # (rows, columns)
    """How many views see each cell of the support itself, not an object nor its fringe nor anything before it."""
    points = torch.from_numpy(patch.points().reshape(-1, 3)).float()
    count = torch.zeros(len(points), dtype=torch.int64)
    for view, owner in zip(views, owners, strict=True):
        index, z, inside = view.project(points)
        clear = torch.from_numpy(~ndimage.binary_dilation(owner.numpy() > 0, iterations=FRINGE)).flatten()
        count += inside & clear[index] & ((view.depth.flatten()[index] - z).abs() < NEAR_PLANE * unit)
    return count.numpy().reshape(patch.shape)


def from_above(patch: Patch, gaussians: Gaussians, views: list[View], unit: float) -> tuple[Array, Array]:
    """Colour (rows, columns, 3) and opacity (rows, columns) of the support, each cell as straight from above."""
    height = 4 * max(patch.shape) * patch.cell
    centre = patch.low + np.array([patch.columns, patch.rows]) * patch.cell / 2
    target = patch.plane.position + patch.plane.rotation[:, :2] @ centre
    pose = look_at(target + height * patch.plane.normal, target, up=patch.plane.rotation[:, 1])
    focal = height / patch.cell
    intrinsics = Intrinsics(patch.columns, patch.rows, focal, focal, patch.columns / 2, patch.rows / 2)
    support = gaussians[torch.from_numpy(patch.near(gaussians, unit)[2])]
    with torch.no_grad():
        # nobody looked from straight above: each Gaussian shows the mean of what the photos saw of it
        eyes = [torch.from_numpy(view.camera.position).float() for view in views[:: max(1, len(views) // EYES)]]
        towards = [normalize(support.means - eye, dim=1) for eye in eyes]
        seen = torch.stack([evaluate_sh(support.sh, t, support.sh_degree) for t in towards]).mean(0)
        plain = replace(support, sh=((seen - 0.5) / SH_C0)[:, None])
        rendering = rasterize(plain, [Camera(intrinsics, pose)])
    # the picture's rows run against the plane's y axis
    color, alpha = rendering.colors[0].flip(0).double(), rendering.alphas[0].flip(0).double()
    return (color / alpha.clamp_min(1e-6)).numpy(), alpha[..., 0].numpy()
