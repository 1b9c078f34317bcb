"""The depth pictures that separation and meshing work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.cameras import Camera
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians, rasterize

__all__ = ["Sensed", "View", "render_views"]

OPAQUE = 0.5  # pixels with less alpha have no depth


@dataclass(frozen=True)
class Sensed:
    """Depth that a sensor took beside a photo, in the view's pixels."""

    depth: Tensor  # (H, W) [m] along z, 0 = unknown
    trust: Tensor  # (H, W) 0..1, by the sensor's confidence; 0 at edges


@dataclass(frozen=True)
class View:
    """What one camera of the capture sees of the Gaussians."""

    camera: Camera
    depth: Tensor  # (H, W) [m] along z of the surface where half the light is gone, 0 = none
    color: Tensor  # (H, W, 3) in 0..1
    sensed: Sensed | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width [pixels]."""
        return self.depth.shape[0], self.depth.shape[1]

    def points(self) -> tuple[Tensor, Tensor]:  # (H, W, 3) [m] world, (H, W) bool: has depth
        """The surface point of each pixel."""
        k = self.camera.intrinsics
        height, width = self.size
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        rays = torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
        pose = torch.from_numpy(self.camera.world_from_camera).float()
        return (rays * self.depth[..., None]) @ pose[:3, :3].T + pose[:3, 3], self.depth > 0

    def project(
        self,
        points: Tensor,  # (N, 3) [m] world
    ) -> tuple[Tensor, Tensor, Tensor]:  # flat pixel index (N,) int64, depth (N,) [m], (N,) bool: inside the picture
        """The pixel in which each point lies; the index of points outside is 0."""
        k = self.camera.intrinsics
        height, width = self.size
        pose = torch.from_numpy(self.camera.world_from_camera).float()
        x, y, z = pose[:3, :3].T @ (points - pose[:3, 3]).T  # in rows, which are contiguous
        safe = z.clamp_min(1e-9)
        column, row = (x / safe * k.fx + k.cx).floor(), (y / safe * k.fy + k.cy).floor()
        inside = (z > 1e-9) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        index = torch.where(inside, row * width + column, 0.0).long()
        return index, z, inside

    def facing(
        self,
        points: Tensor,  # (N, 3) [m] world, on a surface
        normals: Tensor,  # (N, 3) unit
        mask: Tensor,  # (H, W) bool: the pixels that show that surface
        near: float,  # [m] between a point and what the view sees in its pixel
    ) -> tuple[Tensor, Tensor]:  # flat pixel index (N,) int64, (N,) 0..1
        """The pixel of each point, and the cosine between its normal and the way to the camera; 0 where unseen."""
        index, z, inside = self.project(points)
        towards = normalize(torch.from_numpy(self.camera.position).float() - points, dim=1)
        cosine = (towards * normals).sum(1).clamp_min(0)
        return index, cosine * (inside & mask.flatten()[index] & ((self.depth.flatten()[index] - z).abs() < near))


def render_views(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    long_side: int,  # [pixels], at most
    report: Reporter = silent,
) -> list[View]:
    """Median depth and colour of the Gaussians from each camera."""
    views = []
    for i, camera in enumerate(cameras):
        k = camera.intrinsics
        shrink = max(1.0, max(k.width, k.height) / long_side)
        small = camera.resized(round(k.width / shrink), round(k.height / shrink))
        with torch.no_grad():
            rendering = rasterize(gaussians, [small])
        depth = rendering.median_depths[0, :, :, 0]
        views.append(View(small, torch.where(rendering.alphas[0, :, :, 0] > OPAQUE, depth, 0.0), rendering.colors[0]))
        report("rendering depth", i + 1, len(cameras))
    return views
