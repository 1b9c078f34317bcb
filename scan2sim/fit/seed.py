"""More Gaussians to begin with: on every photo's pixels, at depths continued from its sparse points."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scan2sim.fit.depth import point_samples
from scan2sim.fit.photos import Photo
from scan2sim.poses import PosedCapture
from scan2sim.splats import SH_C0, Gaussians

__all__ = ["continued_depths", "seed_gaussians"]

NEIGHBOURS = 12
MIN_SAMPLES = 24  # sparse points that a photo must see
STIFFNESS = 0.3  # weight of the whole photo's slope against the neighbours' own
ROUNDS = 10  # of reweighting the whole photo's plane
SEED_OPACITY = 0.3
FIRST_OPACITY_LOGIT = float(np.log(SEED_OPACITY / (1 - SEED_OPACITY)))


def seed_gaussians(
    posed: PosedCapture,
    photos: list[Photo],
    indices: list[int],  # of the photos in the capture
    covered: NDArray[np.float64],  # (P, 3) [m] points that need no seed near them
    sh_degree: int,
    count: int,
) -> Gaussians:
    """About ``count`` round Gaussians on a grid over each photo, coloured by it, none where there is something already.

    Sparse points are few where texture repeats or few photos overlap; what nothing stands for, training fills with
    whatever suits single photos.  Seeds stand where the surface would be if it went on as it does nearby.
    """
    step = max(1.0, np.sqrt(sum(p.camera.intrinsics.width * p.camera.intrinsics.height for p in photos) / count))
    means, colors, widths = [], [], []
    occupied: set[tuple[int, int, int]] = set()
    for photo, index in zip(photos, indices, strict=True):
        samples = point_samples(posed, index)
        if len(samples) < MIN_SAMPLES:
            continue
        k = photo.camera.intrinsics
        size = np.array([k.width, k.height])
        pixels = _grid(k.width, k.height, step)
        known = samples.positions.numpy().astype(np.float64) * size
        depths = continued_depths(known, samples.depths.numpy().astype(np.float64), pixels)
        rays = np.stack([(pixels[:, 0] - k.cx) / k.fx, (pixels[:, 1] - k.cy) / k.fy, np.ones(len(pixels))], 1)
        points = (rays * depths[:, None]) @ photo.camera.world_from_camera[:3, :3].T + photo.camera.position
        width = depths * step / k.fx
        free = _unoccupied(points, 1.5 * width, covered, occupied)
        x, y = np.floor(pixels[free]).astype(np.int64).T
        means.append(points[free])
        colors.append(photo.levels[1].cpu().numpy()[y, x] / 255.0)
        widths.append(0.5 * width[free])
    if not means:
        return Gaussians.empty(sh_degree)
    joined = np.concatenate(means)
    sh = np.zeros((len(joined), (sh_degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (np.concatenate(colors) - 0.5) / SH_C0
    return Gaussians(
        means=torch.tensor(joined, dtype=torch.float32),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(len(joined), 1),
        log_scales=torch.tensor(np.log(np.concatenate(widths)), dtype=torch.float32)[:, None].repeat(1, 3),
        opacity_logits=torch.full((len(joined),), FIRST_OPACITY_LOGIT),
        sh=torch.from_numpy(sh),
    )


def continued_depths(
    known: NDArray[np.float64],  # (M, 2) [pixels]
    depths: NDArray[np.float64],  # (M,) along z [m]
    pixels: NDArray[np.float64],  # (N, 2) [pixels]
) -> NDArray[np.float64]:  # (N,) [m]
    """Depths at pixels, as if the surface between and beyond the known ones were made of planes.

    The inverse depth of a plane is linear in the pixel.  A robust plane (least absolute differences by reweighting) is
    fitted to all known points, then, around each pixel, a plane to the 12 nearest, whose slope is drawn to that of the
    first one.  The result stays within the known depths, widened by half.
    """
    scale = max(1.0, float(np.ptp(known, axis=0).max()))
    inverse, at, to = 1 / depths, known / scale, pixels / scale
    slopes = _robust_plane(at, inverse)[1:]
    count = min(NEIGHBOURS, len(at))
    distance, index = KDTree(at).query(to, k=count)
    distance, index = np.asarray(distance).reshape(-1, count), np.asarray(index).reshape(-1, count)
    weights = np.exp(-0.5 * (distance / np.maximum(distance[:, -1:], 1e-9) * 2) ** 2)
    offset = at[index] - to[:, None]
    residual = inverse[index] - offset @ slopes
    design = np.concatenate([np.ones((*index.shape, 1)), offset], 2)
    weighted = design * weights[..., None]
    spread = (weights[..., None] * offset**2).sum((1, 2)) / 2
    far = distance[:, 0] ** 2  # beyond the points only the whole photo's slope holds
    stiffness = STIFFNESS * spread + far * weights.sum(1)
    normal = np.einsum("nki,nkj->nij", weighted, design)
    normal[:, [1, 2], [1, 2]] += stiffness[:, None] + 1e-12
    found = np.linalg.solve(normal, np.einsum("nki,nk->ni", weighted, residual)[..., None])[:, 0, 0]
    return 1 / np.clip(found, inverse.min() / 1.5, inverse.max() * 1.5)


def _robust_plane(at: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:  # (3,)
    design = np.concatenate([np.ones((len(at), 1)), at], 1)
    weights = np.ones(len(at))
    plane = np.zeros(3)
    for _ in range(ROUNDS):
        root = np.sqrt(weights)[:, None]
        plane = np.linalg.lstsq(design * root, values * root[:, 0], rcond=None)[0]
        error = np.abs(values - design @ plane)
        weights = 1 / np.maximum(error, 1e-3 * np.median(np.abs(values)))
    return plane


def _grid(width: int, height: int, step: float) -> NDArray[np.float64]:  # (N, 2)
    x, y = (np.arange(0.5 * step, side, step) for side in (width, height))
    return np.stack([axis.ravel() for axis in np.meshgrid(x, y)], 1)


def _unoccupied(
    points: NDArray[np.float64],
    spacing: NDArray[np.float64],  # (N,) [m]
    covered: NDArray[np.float64],
    occupied: set[tuple[int, int, int]],
) -> NDArray[np.bool_]:
    """Those with no covered point within their spacing, and the first in each cell; occupies the cells."""
    free = np.asarray(KDTree(covered).query(points)[0]) > spacing
    cell = float(np.median(spacing))
    for i in np.flatnonzero(free):
        key = tuple(np.floor(points[i] / cell).astype(np.int64).tolist())
        if key in occupied:
            free[i] = False
        occupied.add(key)
    return free
