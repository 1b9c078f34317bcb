"""Flat Gaussians spread over a mesh, for things of which no photo was taken."""

from __future__ import annotations

import numpy as np
import torch
import trimesh

from scan2sim.bodies import ColorsAt
from scan2sim.splats import SH_C0, Gaussians

__all__ = ["surface_splats"]

WIDTH = 0.65  # standard deviation of a Gaussian over the mean distance between them
FLAT = 0.1  # its thickness over its width
OPACITY_LOGIT = 3.0


def surface_splats(
    mesh: trimesh.Trimesh,
    colors_at: ColorsAt,
    count: int = 1000,
    seed: int = 0,
) -> Gaussians:
    """``count`` Gaussians spread evenly over a mesh, shortest axis along the normal, in the mesh's frame.

    Args:
        mesh: the surface.
        colors_at: colours in 0..1 of points (N, 3) on it; :func:`scan2sim.bodies.colors_of` tells those of a mesh.
        count: how many.
        seed: where they lie.
    """
    points, faces = _spread(mesh, count, seed)
    normals = mesh.face_normals[faces]
    quats = np.column_stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(len(normals))])
    quats[quats[:, 0] < 1e-6] = (0, 1, 0, 0)  # z turned to the normal; straight down is half a turn
    width = WIDTH * float(np.sqrt(mesh.area / count))
    sh = (np.asarray(colors_at(points)).clip(0, 1) - 0.5) / SH_C0
    return Gaussians(
        means=torch.tensor(points, dtype=torch.float32),
        quats=torch.tensor(quats / np.linalg.norm(quats, axis=1, keepdims=True), dtype=torch.float32),
        log_scales=torch.log(torch.tensor([width, width, FLAT * width])).repeat(len(points), 1),
        opacity_logits=torch.full((len(points),), OPACITY_LOGIT),
        sh=torch.tensor(sh[:, None], dtype=torch.float32),
    )


def _spread(mesh: trimesh.Trimesh, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:  # (N, 3) [m], (N,) faces
    """Points evenly along the faces' summed areas, in each face by a sequence of low discrepancy (Roberts 2018, R2)."""
    ends = np.cumsum(mesh.area_faces)
    faces = np.searchsorted(ends, ends[-1] * (np.arange(count) + 0.5) / count).clip(0, len(ends) - 1)
    start = np.random.default_rng(seed).random(2)
    u, v = np.mod(start + np.arange(count)[:, None] * [0.7548776662466927, 0.5698402909980532], 1).T
    u, v = np.where(u + v > 1, [1 - u, 1 - v], [u, v])
    a, b, c = mesh.triangles[faces].transpose(1, 0, 2)
    return a + u[:, None] * (b - a) + v[:, None] * (c - a), faces
