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
from scan2sim.splats import Gaussians, rasterize

__all__ = ["Sight", "mesh_discs", "see_meshes"]

DISC = 0.55  # standard deviation of a disc over the root of its triangle's area
THIN = 0.1  # of its thickness over that
OPAQUE = 5.0  # logit of its opacity


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
    """Depth and number of the mesh in front, per camera."""
    discs = [mesh_discs(mesh) for mesh in meshes]
    numbers = torch.cat([torch.full((len(part),), i, dtype=torch.int32) for i, part in enumerate(discs, start=1)])
    joined = Gaussians(
        means=torch.cat([part.means for part in discs]),
        quats=torch.cat([part.quats for part in discs]),
        log_scales=torch.cat([part.log_scales for part in discs]),
        opacity_logits=torch.cat([part.opacity_logits for part in discs]),
        sh=torch.cat([part.sh for part in discs]),
    ).with_ids(numbers)
    sights = []
    for camera in cameras:
        with torch.no_grad():
            rendering = rasterize(joined, [camera], ids=True)
        assert rendering.ids is not None
        sights.append(Sight(rendering.median_depths[0, :, :, 0], rendering.ids[0]))
    return sights
