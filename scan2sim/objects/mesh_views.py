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

__all__ = ["Sight", "camera_rays", "see_meshes"]

NEAREST = 1e-3  # [m] from the camera's plane


@dataclass(frozen=True)
class Sight:
    """What one camera sees of some meshes."""

    depth: Tensor  # (H, W) [m] along z, 0 = none of them
    number: Tensor  # (H, W) int32, 1 for the first mesh, 0 = none


def see_meshes(meshes: Sequence[trimesh.Trimesh], cameras: Sequence[Camera]) -> list[Sight]:
    """Depth and number of the mesh in front, per camera, at the pixels' centres.

    Exact, unlike a drawing by splats, whose outlines are wider by a pixel: outlines are compared with the photos'.
    Triangles are seen from outside only.
    """
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)])
    owner = np.repeat(np.arange(1, len(meshes) + 1), [len(mesh.faces) for mesh in meshes])
    return [_sight(vertices, faces, owner, camera) for camera in cameras]


def _sight(vertices: NDArray[np.float64], faces: NDArray[np.int64], owner: NDArray[np.int64], camera: Camera) -> Sight:
    """Test each pixel's centre in a triangle's bounding box, and keep the nearest triangle (Pineda 1988)."""
    k = camera.intrinsics
    pixels, z = camera.project(vertices)
    corners = pixels[faces]  # (F, 3, 2)
    towards = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) < 0  # y points down
    whole = (z[faces] > NEAREST).all(1) & towards
    faces, owner, corners = faces[whole], owner[whole], corners[whole]
    low = np.ceil(corners.min(1) - 0.5).clip(0, [k.width, k.height]).astype(np.int64)  # first centre inside the box
    high = np.floor(corners.max(1) - 0.5).clip(-1, [k.width - 1, k.height - 1]).astype(np.int64)
    wide, tall = (high - low + 1).clip(0).T
    face = np.repeat(np.arange(len(faces)), wide * tall)
    place = np.arange(len(face)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    column, row = low[face, 0] + place % wide[face], low[face, 1] + place // wide[face]
    centre = np.stack([column, row], 1) + 0.5
    a, b, c = (corners[face, i] - centre for i in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)])
    inside = (weights <= 0).all(0)
    face, weights = face[inside], weights[:, inside]
    index = row[inside] * k.width + column[inside]
    near = (weights / z[faces[face].T]).sum(0) / weights.sum(0)  # 1 / z is linear in the picture
    order = np.lexsort((near, index))
    last = order[np.append(index[order][1:] != index[order][:-1], True)] if len(order) else order
    depth, number = np.zeros(k.height * k.width, np.float32), np.zeros(k.height * k.width, np.int32)
    depth[index[last]] = 1 / near[last]
    number[index[last]] = owner[face[last]]
    shape = k.height, k.width
    return Sight(torch.from_numpy(depth.reshape(shape)), torch.from_numpy(number.reshape(shape)))


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:  # (N, 2), (N, 2) to (N,)
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def camera_rays(camera: Camera) -> Tensor:  # (H, W, 3) in the camera's frame, z = 1
    """Through the pixels' centres."""
    k = camera.intrinsics
    y, x = torch.meshgrid(torch.arange(k.height) + 0.5, torch.arange(k.width) + 0.5, indexing="ij")
    return torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
