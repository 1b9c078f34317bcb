"""What cameras see of meshes, drawn as flat discs on their triangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from torch import Tensor
from torch.nn.functional import normalize

from scan2sim.cameras import Camera
from scan2sim.splats import Gaussians, concatenate, dominant, rasterize

__all__ = ["Sight", "camera_rays", "mesh_discs", "see_meshes"]

DISC = 0.55  # standard deviation of a disc over the root of its triangle's area
THIN = 0.1  # of its thickness over that
OPAQUE = 5.0  # logit of its opacity
SOLID = 0.5  # pixels with less alpha show no mesh
EDGE = 3.0  # standard deviations of a disc within which its plane is met


@dataclass(frozen=True)
class Sight:
    """What one camera sees of some meshes."""

    depth: Tensor  # (H, W) [m] along z, 0 = none of them
    number: Tensor  # (H, W) int32, 1 for the first mesh, 0 = none


def mesh_discs(mesh: trimesh.Trimesh) -> Gaussians:
    """A flat, opaque, grey Gaussian on each triangle, as large as it takes to close the surface."""
    normals = torch.tensor(mesh.face_normals, dtype=torch.float32)
    turn = torch.stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], torch.zeros(len(normals))], 1)
    turn[turn[:, 0] < 1e-4] = torch.tensor([0.0, 1.0, 0.0, 0.0])  # upside down: about x
    sigma = DISC * torch.tensor(np.sqrt(mesh.area_faces.clip(1e-16)), dtype=torch.float32)
    return Gaussians(
        means=torch.tensor(mesh.triangles_center, dtype=torch.float32),
        quats=normalize(turn, dim=1),
        log_scales=torch.stack([sigma, sigma, THIN * sigma], 1).log(),
        opacity_logits=torch.full((len(normals),), OPAQUE),
        sh=torch.zeros(len(normals), 1, 3),
    )


def see_meshes(meshes: Sequence[trimesh.Trimesh], cameras: Sequence[Camera]) -> list[Sight]:
    """Depth and number of the mesh in front, per camera.

    The disc that paints most of a pixel tells its triangle, and where the pixel's ray meets the triangle's plane is its
    depth: the discs' own depths would lie in front of a slanted surface.
    """
    discs = [mesh_discs(mesh) for mesh in meshes]
    owner = torch.cat([torch.full((len(part),), i, dtype=torch.int32) for i, part in enumerate(discs, start=1)])
    normals = torch.cat([torch.tensor(mesh.face_normals, dtype=torch.float32) for mesh in meshes])
    joined = concatenate(discs)
    sights = []
    for camera in cameras:
        with torch.no_grad():
            solid = rasterize(joined, [camera]).alphas[0, :, :, 0] > SOLID
        disc = dominant(joined, [camera])[0].long()
        solid &= disc >= 0
        chosen = disc[solid]
        pose = torch.from_numpy(camera.world_from_camera).float()
        rays = camera_rays(camera)[solid] @ pose[:3, :3].T
        offset = joined.means[chosen] - pose[:3, 3]
        centre, reach = offset @ pose[:3, 2], EDGE * joined.scales[chosen, 0]
        slope = (rays * normals[chosen]).sum(1)
        met = (offset * normals[chosen]).sum(1) / torch.where(slope.abs() < 1e-3, 1e-3, slope)
        depth, number = torch.zeros(disc.shape), torch.zeros(disc.shape, dtype=torch.int32)
        depth[solid] = torch.maximum(torch.minimum(met, centre + reach), centre - reach)
        number[solid] = owner[chosen]
        sights.append(Sight(depth, number))
    return sights


def camera_rays(camera: Camera) -> Tensor:  # (H, W, 3) in the camera's frame, z = 1
    """Through the pixels' centres."""
    k = camera.intrinsics
    y, x = torch.meshgrid(torch.arange(k.height) + 0.5, torch.arange(k.width) + 0.5, indexing="ij")
    return torch.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, torch.ones_like(x)], -1)
