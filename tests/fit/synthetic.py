"""A tiny capture whose truth is known: photos rendered from Gaussians."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.splats import SH_C0, Gaussians, rasterize

INTRINSICS = Intrinsics(96, 72, 90.0, 90.0, 48.0, 36.0)


def blobs(count: int = 400, seed: int = 0) -> Gaussians:
    """A patterned sheet with a bump, made of round Gaussians."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-0.2, 0.2, (count, 2))
    z = 0.08 * np.exp(-(xy**2).sum(1) / 0.004)
    colors = 0.5 + 0.4 * np.sin(40 * xy[:, :1] + np.array([0.0, 2.0, 4.0]))
    return Gaussians(
        means=torch.tensor(np.column_stack([xy, z]), dtype=torch.float32),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        log_scales=torch.full((count, 3), float(np.log(0.012))),
        opacity_logits=torch.full((count,), 2.0),
        sh=torch.tensor((colors[:, None] - 0.5) / SH_C0, dtype=torch.float32),
    )


def camera_at(angle: float) -> Camera:
    """A camera of the ring that all photos are taken from."""
    return Camera(INTRINSICS, look_at([0.4 * np.cos(angle), 0.4 * np.sin(angle), 0.35], [0, 0, 0]))


def posed_capture(folder: Path, views: int = 12, gains: bool = False, size: int = 1) -> PosedCapture:
    """Photos of :func:`blobs` from a ring of cameras, ``size`` times as large; ``gains`` expose each differently."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = blobs()
    frames = []
    for i in range(views):
        camera = camera_at(2 * np.pi * i / views).resized(size * INTRINSICS.width, size * INTRINSICS.height)
        image = rasterize(truth, [camera]).colors[0]
        if gains:
            image = image * (0.8 + 0.4 * (i % 3) / 2)
        path = folder / f"{i:03}.png"
        Image.fromarray((image.clamp(0, 1) * 255).round().byte().numpy()).save(path)
        frames.append(PosedFrame(path, path.name, camera, 0.0))
    rng = np.random.default_rng(1)
    chosen = rng.choice(len(truth), 150, replace=False)
    points = truth.means.numpy()[chosen].astype(np.float64) + rng.normal(0, 0.003, (150, 3))
    colors = (truth.base_colors.numpy()[chosen].clip(0, 1) * 255).astype(np.uint8)
    pairs = [(i, row) for i, frame in enumerate(frames) for row in _visible(truth, frame.camera, points)]
    scale, gravity = Scale("cameras", 0.01), Gravity("cameras", 1.0)
    return PosedCapture(tuple(frames), points, colors, scale, gravity, observations=np.array(pairs, dtype=np.int32))


def _visible(truth: Gaussians, camera: Camera, points: np.ndarray) -> list[int]:
    """Rows of the points (P, 3) that lie within the image and not behind the surface."""
    depths = rasterize(truth, [camera]).depths[0, :, :, 0].numpy()
    pixels, z = camera.project(points)
    x, y = np.floor(pixels).astype(int).T
    inside = (x >= 0) & (x < depths.shape[1]) & (y >= 0) & (y < depths.shape[0])
    surface = depths[y * inside, x * inside]
    return np.flatnonzero(inside & (z < surface + 0.02)).tolist()
