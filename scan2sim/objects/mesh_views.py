"""What cameras see of meshes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.splats import draw_triangles

__all__ = ["Sight", "camera_rays", "see_meshes"]

NEAREST = 1e-3  # [m] from the camera's plane


@dataclass(frozen=True)
class Sight:
    """What one camera sees of some meshes."""

    depth: Tensor  # (H, W) [m] along z, 0 = none of them
    number: Tensor  # (H, W) int32, 1 for the first mesh, 0 = none
    face: Tensor  # (H, W) int32 of that mesh, -1 = none


def see_meshes(meshes: Sequence[trimesh.Trimesh], cameras: Sequence[Camera]) -> list[Sight]:
    """Depth, number and face of the mesh in front, per camera, at the pixels' centres.

    Exact, unlike a drawing by splats, whose outlines are wider by a pixel: outlines are compared with the photos'.
    Triangles are seen from outside only.
    """
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)])
    counts = [len(mesh.faces) for mesh in meshes]
    owner = np.repeat(np.arange(1, len(meshes) + 1, dtype=np.int32), counts)
    own = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
    return [_sight(vertices, faces.astype(np.int32), owner, own, camera) for camera in cameras]


def _sight(
    vertices: NDArray[np.float64],  # (V, 3)
    faces: NDArray[np.int32],  # (F, 3)
    owner: NDArray[np.int32],  # (F,) number of its mesh
    own: NDArray[np.int32],  # (F,) its place in that
    camera: Camera,
) -> Sight:
    pixels, z = camera.project(vertices)
    face, inverse = draw_triangles(pixels, z, faces, (camera.intrinsics.height, camera.intrinsics.width), NEAREST)
    shown = face >= 0
    depth = np.divide(1, inverse, out=np.zeros_like(inverse), where=shown)
    number, place = np.where(shown, owner[face], 0), np.where(shown, own[face], -1)
    return Sight(torch.from_numpy(depth).float(), torch.from_numpy(number), torch.from_numpy(place))


def camera_rays(camera: Camera) -> Tensor:  # (H, W, 3) in the camera's frame, z = 1
    """Through the pixels' centres."""
    k = camera.intrinsics
    y, x = torch.meshgrid(torch.arange(k.height) + 0.5, torch.arange(k.width) + 0.5, indexing="ij")
    return torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
