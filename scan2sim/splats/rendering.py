"""What a rasterizer is given and what it returns, the same for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.splats.gaussians import Gaussians

__all__ = ["Rendering", "Views", "make_views"]

MAX_SIDE = 32768  # pixels


@dataclass(frozen=True)
class Rendering:
    """Images of C cameras, and what densification wants to know."""

    colors: Tensor  # (C, H, W, 3)
    alphas: Tensor  # (C, H, W, 1)
    depths: Tensor  # (C, H, W, 1) expected depth along the camera's z [m], Σ w z / Σ w; 0 where alpha is 0
    median_depths: Tensor  # (C, H, W, 1) depth [m] where the transmittance falls below 1/2, 0 = never; NaN with gsplat
    features: Tensor | None  # (C, H, W, F) Σ w f, not normalised
    means2d: Tensor | None  # (C, N, 2) [pixels]; after backward() its .grad is the loss's gradient in them
    radii: Tensor | None  # (C, N) [pixels] half the longer side of the box that it touches, 0 = not drawn
    normals: Tensor | None = None  # (C, H, W, 3) Σ w n of the shortest axes, in the world, towards the camera
    ids: Tensor | None = None  # (C, H, W) int32 the object whose summed weight is over 1/2, else 0


@dataclass(frozen=True)
class Views:
    """Cameras as the backends want them, relative to the frame of each of O objects; may be attached to autograd."""

    camera_from_object: Tensor  # (C, O, 3, 4) float64
    camera_in_object: Tensor  # (C, O, 3) float64, the camera's centre
    world_from_object: Tensor | None  # (C, O, 4, 4) float64, None = one object in the world's frame
    intrinsics: Tensor  # (C, 4) float64: fx, fy, cx, cy [pixels]
    width: int
    height: int
    near: float
    far: float
    sh_degree: int
    antialiased: bool

    def __len__(self) -> int:
        return len(self.intrinsics)

    def rows(self, gaussians: Gaussians) -> Tensor:  # (N,) int64
        """The row of each Gaussian's object among the O."""
        if gaussians.object_ids is None or self.camera_from_object.shape[1] == 1:
            return torch.zeros(len(gaussians), dtype=torch.long, device=gaussians.means.device)
        return gaussians.object_ids.long()


def make_views(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    poses: Tensor | None = None,  # (C, O, 4, 4)
    world_from_camera: Tensor | None = None,  # (C, 4, 4)
    sh_degree: int | None = None,
    near: float = 0.01,
    far: float = 1e10,
    antialiased: bool = False,
) -> Views:
    """Check cameras and poses and combine them.

    Raises:
        UsageError: no cameras, different image sizes, matrices that are not finite or do not fit together.
    """
    if not cameras:
        raise UsageError("no cameras given, expected at least one")
    width, height = cameras[0].intrinsics.width, cameras[0].intrinsics.height
    if any((c.intrinsics.width, c.intrinsics.height) != (width, height) for c in cameras):
        raise UsageError("the cameras of one call have different image sizes", todo="resize them or render them apart")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise UsageError(f"images of {width}×{height} pixels, expected 1 to {MAX_SIDE} on each side")
    intrinsics = np.array([(k.fx, k.fy, k.cx, k.cy) for k in (c.intrinsics for c in cameras)], dtype=np.float64)
    if world_from_camera is None:
        stacked = np.stack([np.asarray(c.world_from_camera, dtype=np.float64) for c in cameras])
        world_from_camera = torch.from_numpy(stacked)
    else:
        world_from_camera = world_from_camera.to("cpu", torch.float64)
    if tuple(world_from_camera.shape) != (len(cameras), 4, 4) or not torch.isfinite(world_from_camera).all():
        raise UsageError(f"world_from_camera: expected {len(cameras)} finite 4×4 matrices")
    if not np.isfinite(intrinsics).all() or (intrinsics[:, :2] <= 0).any():
        raise UsageError("intrinsics are not finite or a focal length is not positive")
    if not near > 0 or not far > near:
        raise UsageError(f"near = {near}, far = {far}: expected 0 < near < far")

    object_from_camera = world_from_camera[:, None]
    if poses is not None:
        poses = _checked_poses(gaussians, cameras, poses)
        object_from_camera = torch.linalg.solve(poses, object_from_camera)
    camera_from_object = torch.linalg.inv(object_from_camera)
    degree = gaussians.sh_degree if sh_degree is None else sh_degree
    if not 0 <= degree <= gaussians.sh_degree:
        raise UsageError(f"sh_degree = {degree}, expected 0 to {gaussians.sh_degree}, the degree of the Gaussians")
    return Views(
        camera_from_object=camera_from_object[:, :, :3],
        camera_in_object=object_from_camera[:, :, :3, 3],
        world_from_object=poses,
        intrinsics=torch.from_numpy(intrinsics),
        width=width,
        height=height,
        near=near,
        far=far,
        sh_degree=degree,
        antialiased=antialiased,
    )


def _checked_poses(gaussians: Gaussians, cameras: Sequence[Camera], poses: Tensor) -> Tensor:
    matrices = poses.to("cpu", torch.float64)
    if matrices.ndim != 4 or matrices.shape[0] != len(cameras) or tuple(matrices.shape[2:]) != (4, 4):
        raise UsageError(f"poses: got shape {tuple(poses.shape)}, expected ({len(cameras)}, objects, 4, 4)")
    if gaussians.object_ids is None:
        raise UsageError("poses were given for Gaussians without object_ids", todo="set them with Gaussians.with_ids")
    if not torch.isfinite(matrices).all() or (torch.linalg.det(matrices.detach()).abs() < 1e-12).any():
        raise UsageError("poses: a matrix is not finite or cannot be inverted")
    if len(gaussians):
        low, high = int(gaussians.object_ids.min()), int(gaussians.object_ids.max())
        if low < 0 or high >= matrices.shape[1]:
            raise UsageError(f"object_ids lie in {low}..{high}, but poses has rows 0..{matrices.shape[1] - 1}")
    return matrices
