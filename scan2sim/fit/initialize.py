"""The first Gaussians: one at each sparse point."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import KDTree

from scan2sim.errors import FitError
from scan2sim.poses import PosedCapture
from scan2sim.splats import SH_C0, Gaussians

__all__ = ["initial_gaussians"]

FIRST_OPACITY = 0.3
MIN_POINTS = 16


def initial_gaussians(posed: PosedCapture, sh_degree: int, max_gaussians: int, seed: int) -> Gaussians:
    """Round Gaussians at the sparse points, as wide as the distance to their three nearest neighbours.

    Points far outside the cameras' reach (beyond the 99.5th percentile of distances) are left out: they are
    mostly wrong matches.  Method: Kerbl et al. 2023, "3D Gaussian Splatting", section 5.

    Raises:
        FitError: there are fewer than 16 points.
    """
    points, colors = posed.points, posed.point_colors
    if len(points) < MIN_POINTS:
        raise FitError(
            f"only {len(points)} sparse points to start from; at least {MIN_POINTS} are needed",
            todo="photograph something with more texture around it, with more overlap",
        )
    generator = np.random.default_rng(seed)
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    keep = np.flatnonzero(distance <= np.quantile(distance, 0.995))
    if len(keep) > max_gaussians // 2:
        keep = np.sort(generator.choice(keep, max_gaussians // 2, replace=False))
    points, colors = points[keep], colors[keep]
    neighbours = np.asarray(KDTree(points).query(points, k=4)[0])[:, 1:]
    width = np.sqrt((neighbours**2).mean(1))
    width = np.clip(width, 1e-4 * posed.camera_distance, np.quantile(width, 0.98))
    n, k = len(points), (sh_degree + 1) ** 2
    sh = np.zeros((n, k, 3), np.float32)
    sh[:, 0] = (colors / 255.0 - 0.5) / SH_C0
    return Gaussians(
        means=torch.tensor(points, dtype=torch.float32),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(n, 1),
        log_scales=torch.tensor(np.log(width), dtype=torch.float32)[:, None].repeat(1, 3),
        opacity_logits=torch.full((n,), float(np.log(FIRST_OPACITY / (1 - FIRST_OPACITY)))),
        sh=torch.from_numpy(sh),
    )
