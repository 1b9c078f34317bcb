"""Splats on surface that no photo saw, so that a lifted object shows no hole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import vertex_colors
from scan2sim.objects.mesh_views import mesh_discs
from scan2sim.splats import SH_C0, Gaussians, concatenate

__all__ = ["with_invented"]


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
    discs = mesh_discs(mesh)[torch.from_numpy(hidden)]
    colors = vertex_colors(mesh).astype(np.float32)[mesh.faces[hidden], :3].mean(1) / 255
    sh = torch.zeros(len(discs), gaussians.sh.shape[1], 3)
    sh[:, 0] = (torch.from_numpy(colors) - 0.5) / SH_C0
    return concatenate([gaussians, replace(discs, sh=sh)]), len(discs)
