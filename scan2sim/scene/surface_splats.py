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
CANDIDATES = 3  # points of which one is taken


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
    """Of more random points on a mesh, one after the other the one that is farthest from those taken before."""
    sampled = trimesh.sample.sample_surface(mesh, CANDIDATES * count, seed=seed)
    points, taken = np.asarray(sampled[0]), np.zeros(count, dtype=np.int64)
    distances = np.full(len(points), np.inf)
    for k in range(1, count):
        distances = np.minimum(distances, ((points - points[taken[k - 1]]) ** 2).sum(1))
        taken[k] = distances.argmax()
    return points[taken], np.asarray(sampled[1])[taken]
