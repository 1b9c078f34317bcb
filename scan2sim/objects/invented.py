"""Splats on surface that no photo saw, so that a lifted object shows no hole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch.nn.functional import normalize

from scan2sim.bodies import vertex_colors
from scan2sim.splats import SH_C0, Gaussians, concatenate

__all__ = ["with_invented"]

DISC = 0.55  # standard deviation of a disc over the root of its triangle's area
THIN = 0.1  # of its thickness over that
OPAQUE = 5.0  # logit of its opacity


def with_invented(
    gaussians: Gaussians,  # the object's
    mesh: trimesh.Trimesh,  # its surface in fine triangles, with vertex colours
    seen: NDArray[np.bool_],  # (V,) vertices that some view saw
) -> tuple[Gaussians, int]:
    """Add an opaque disc in the mesh's colour on each triangle with two corners or more that no view saw.

    Returns:
        all splats, and how many of them, at the end, are invented.
    """
    hidden = (~seen[mesh.faces]).sum(1) >= 2
    discs = _discs(mesh)[torch.from_numpy(hidden)]
    colors = vertex_colors(mesh).astype(np.float32)[mesh.faces[hidden], :3].mean(1) / 255
    sh = torch.zeros(len(discs), gaussians.sh.shape[1], 3)
    sh[:, 0] = (torch.from_numpy(colors) - 0.5) / SH_C0
    return concatenate([gaussians, replace(discs, sh=sh)]), len(discs)


def _discs(mesh: trimesh.Trimesh) -> Gaussians:
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
