"""Depth pictures averaged into a grid: against another implementation, and against a ball that is known."""

import numpy as np
import pytest
import torch

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import UsageError
from scan2sim.geometry import look_at
from scan2sim.splats import DepthPicture, FusionWeights, fuse_depths

K = Intrinsics(80, 60, 70.0, 72.0, 41.0, 29.0)
CELL, SHAPE = 0.011, (14, 9, 17)
CORNER = torch.tensor([-0.07, -0.05, -0.09])


def cameras(count: int) -> list[Camera]:
    angles = 2 * np.pi * np.arange(count) / count
    return [Camera(K, look_at([0.5 * np.cos(a), 0.5 * np.sin(a), 0.1], [0, 0, 0])) for a in angles]


def points() -> np.ndarray:
    steps = [np.arange(n) * CELL + c for n, c in zip(SHAPE, CORNER.numpy(), strict=True)]
    return np.stack(np.meshgrid(*steps, indexing="ij"), -1)


def slowly(picture: DepthPicture, weights: FusionWeights) -> tuple[np.ndarray, np.ndarray]:
    """One picture's values and weights, by numpy."""
    flat = points().reshape(-1, 3)
    pixels, z = picture.camera.project(flat)
    column, row = np.floor(pixels).astype(int).T
    inside = (z > 0) & (column >= 0) & (column < K.width) & (row >= 0) & (row < K.height)
    where = row.clip(0, K.height - 1), column.clip(0, K.width - 1)
    depth, own = picture.depth.numpy()[where], picture.own.numpy()[where]
    trust = np.ones(len(flat)) if picture.trust is None else picture.trust.numpy()[where]
    gap = depth - z + np.where(own, 0, weights.slack)
    value = (gap / weights.reach).clip(-1, 1)
    weight = np.where(own, np.where(gap > -weights.reach, trust, weights.hidden * trust), (gap > 0) * 1.0)
    value, weight = np.where(depth > 0, value, 1.0), np.where(depth > 0, weight, weights.empty) * inside
    return value.reshape(SHAPE), weight.reshape(SHAPE)


@pytest.mark.parametrize("trusted", [False, True])
def test_it_does_what_another_implementation_does(trusted: bool) -> None:
    random = torch.Generator().manual_seed(0)
    weights = FusionWeights(0.03, 0.004, 0.15, 0.5)
    pictures = []
    for camera in cameras(5):
        depth = 0.5 + 0.05 * torch.randn(K.height, K.width, generator=random)
        depth[torch.rand(depth.shape, generator=random) < 0.2] = 0
        own = torch.rand(depth.shape, generator=random) < 0.6
        pictures.append(DepthPicture(camera, depth, own, torch.rand(depth.shape) if trusted else None))
    value, weight = fuse_depths(pictures, CORNER, CELL, SHAPE, weights)
    expected = [slowly(picture, weights) for picture in pictures]
    total = sum(w for _, w in expected)
    # a point on a pixel's border may fall to either side of it in single precision
    assert (np.abs(weight.numpy() - total) < 1e-4).mean() > 0.999
    mean = sum(v * w for v, w in expected) / np.maximum(total, 1e-9)
    assert (np.abs(value.numpy() - mean) < 1e-4).mean() > 0.998


def test_a_ball_is_as_far_away_as_it_is() -> None:
    radius, far = 0.04, 0.03
    pictures = []
    for camera in cameras(12):
        rows, columns = np.mgrid[: K.height, : K.width] + 0.5
        rays = np.stack([(columns - K.cx) / K.fx, (rows - K.cy) / K.fy, np.ones_like(rows)], -1)
        along = (rays @ camera.world_from_camera[:3, :3].T @ -camera.position) / (rays**2).sum(-1)
        root = along**2 - (camera.position @ camera.position - radius**2) / (rays**2).sum(-1)
        hit = root > 0
        depth = torch.from_numpy(np.where(hit, along - np.sqrt(np.maximum(root, 0)), 2.0)).float()
        pictures.append(DepthPicture(camera, depth, torch.from_numpy(hit)))
    value, weight = fuse_depths(pictures, CORNER, CELL, SHAPE, FusionWeights(far))
    true = np.linalg.norm(points(), axis=-1) - radius
    assert (weight > 0).float().mean() > 0.8
    assert (value[true > 0.012] > 0).all()
    assert (value[torch.from_numpy(true < -0.012) & (weight > 0)] < 0).all()


def test_parts_of_other_sizes_are_refused() -> None:
    picture = DepthPicture(cameras(1)[0], torch.ones(60, 80), torch.ones(60, 79, dtype=torch.bool))
    with pytest.raises(UsageError, match=r"\(60, 79\)"):
        fuse_depths([picture], CORNER, CELL, SHAPE, FusionWeights(0.03))
