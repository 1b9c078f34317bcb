"""A ball on a table, photographed from all around: exact pictures to hold the stereo room to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

RADIUS = 0.05
CENTRE = np.array([0.0, 0.0, RADIUS])
LIGHT = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])
PLANE = SupportPlane(np.array([0.0, 0, 1]), 0.0, 1e-4, np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]))


def cameras(count: int = 12, width: int = 240, height: int = 180) -> list[Camera]:
    """Two rings of cameras half a metre away."""
    k = Intrinsics(width, height, 1.8 * width, 1.8 * width, width / 2, height / 2)
    found = []
    for i in range(count):
        angle, lift = 2 * np.pi * i / count, 0.25 if i % 2 else 0.4
        eye = np.array([0.45 * np.cos(angle), 0.45 * np.sin(angle), lift])
        found.append(Camera(k, look_at(eye, CENTRE, up=np.array([0.0, 0, 1]))))
    return found


def photograph(camera: Camera, textured: bool = True, gloss: float = 0.0) -> tuple[View, Tensor, Tensor]:
    """The view with exact depth and colour, its photo (H, W, 3), and which pixels show the ball (H, W)."""
    k, pose = camera.intrinsics, camera.world_from_camera
    y, x = np.mgrid[: k.height, : k.width] + 0.5
    rays = np.stack([(x - k.cx) / k.fx, (y - k.cy) / k.fy, np.ones_like(x)], -1) @ pose[:3, :3].T
    eye = pose[:3, 3]
    a, b = (rays**2).sum(-1), rays @ (eye - CENTRE)
    root = b**2 - a * (((eye - CENTRE) ** 2).sum() - RADIUS**2)
    ball = root > 0
    depth = np.where(ball, (-b - np.sqrt(root.clip(0))) / a, -eye[2] / rays[..., 2])
    points = eye + rays * depth[..., None]
    normals = np.where(ball[..., None], (points - CENTRE) / RADIUS, [0.0, 0, 1])
    brightness = 0.25 + 0.2 * (normals @ LIGHT).clip(0)
    if textured:
        brightness = brightness + np.where(ball, 0.12 * _texture(points), 0)
    if gloss:
        towards = -rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        half = towards + LIGHT
        half /= np.linalg.norm(half, axis=-1, keepdims=True)
        brightness = brightness + np.where(ball, gloss * (normals * half).sum(-1).clip(0) ** 60, 0)
    photo = torch.from_numpy(np.repeat(brightness[..., None], 3, -1).clip(0, 1)).float()
    return View(camera, torch.from_numpy(depth).float(), photo), photo, torch.from_numpy(ball)


def _texture(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth noise in space with details of a few millimetres, about -1..1."""
    rng = np.random.default_rng(0)
    waves = rng.normal(0, 500, (12, 3))
    return np.sin(points @ waves.T + rng.uniform(0, 6, 12)).mean(-1) * 2
