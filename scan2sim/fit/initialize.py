"""The first Gaussians: one at each sparse point, or those of an earlier training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import KDTree

from scan2sim.errors import FitError
from scan2sim.fit.config import FitConfig
from scan2sim.fit.importance import most_important
from scan2sim.poses import PosedCapture
from scan2sim.splats import SH_C0, Gaussians, concatenate

__all__ = ["first_gaussians", "initial_gaussians"]

FIRST_OPACITY = 0.3
MIN_POINTS = 16
UNCOVERED = 3.0  # a sparse point is new if no earlier Gaussian is within so many times its own width


def first_gaussians(posed: PosedCapture, start: Gaussians | None, config: FitConfig) -> Gaussians:
    """What training begins with.

    With ``start`` these Gaussians, the largest and most opaque ones if they are more than the cap, and new ones at
    sparse points where it has nothing.

    Raises:
        FitError: there are fewer than 16 points, or ``start`` holds nothing usable.
    """
    new = initial_gaussians(posed, config.sh_degree, config.max_gaussians, config.seed)
    if start is None:
        return new
    start = start.detached().to("cpu").with_ids(None)
    start = start[start.finite]
    if not len(start):
        raise FitError("the earlier training left no Gaussians to go on from", todo="train without a start")
    width = new.sh.shape[1]
    missing = max(0, width - start.sh.shape[1])
    sh = torch.nn.functional.pad(start.sh[:, :width], (0, 0, 0, missing))
    start = replace(start, sh=sh)
    area = start.log_scales.sum(1) - start.log_scales.amin(1)
    start = start[most_important(start.opacity_logits.sigmoid().log() + area, config.max_gaussians)]
    nearest = np.asarray(KDTree(start.means.numpy()).query(new.means.numpy())[0])
    uncovered = torch.from_numpy(nearest) > UNCOVERED * new.scales[:, 0]
    return concatenate([start, new[uncovered.nonzero()[: config.max_gaussians - len(start), 0]]])


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
