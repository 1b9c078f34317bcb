"""Normals of Gaussians: what a flat Gaussian says about the surface that it lies on."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.quaternions import rotation_matrices
from scan2sim.splats.rendering import Views

__all__ = ["facing_normals", "shortest_axes"]


def facing_normals(gaussians: Gaussians, views: Views) -> Tensor:  # (C, N, 3)
    """Unit vectors along the shortest axes, in the world, on the side of each camera; differentiable in the quats."""
    normals = shortest_axes(gaussians)
    like, rows = gaussians.means, views.rows(gaussians)
    per_camera = []
    for camera in range(len(views)):
        centres = views.camera_in_object[camera].detach().to(like)[rows]
        away = ((gaussians.means.detach() - centres) * normals.detach()).sum(1) > 0
        facing = torch.where(away[:, None], -normals, normals)
        if views.world_from_object is not None:
            turn = views.world_from_object[camera, :, :3, :3].to(like)[rows]
            facing = torch.einsum("nij,nj->ni", turn, facing)
        per_camera.append(facing)
    return torch.stack(per_camera)


def shortest_axes(gaussians: Gaussians) -> Tensor:  # (N, 3)
    """The direction in which each Gaussian is thinnest, of length 1 and either sign: its normal."""
    shortest = gaussians.log_scales.detach().argmin(1)
    columns = rotation_matrices(gaussians.quats).mT
    return columns[torch.arange(len(shortest), device=shortest.device), shortest]
