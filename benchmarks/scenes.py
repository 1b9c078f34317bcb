"""Scenes and cameras to measure on: random Gaussians of a given size, and real captures with their cameras."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.poses import PosedCapture, load_posed
from scan2sim.splats import Gaussians

__all__ = ["cameras_around", "cloud", "moving_bodies", "posed_capture", "trainable"]

ROOT = Path(__file__).parents[1]


def cloud(count: int, size: float = 0.01, spread: float = 0.5, degree: int = 3, seed: int = 0) -> Gaussians:
    """A ball of Gaussians of about ``size`` [m]; opacities spread around one half."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    return Gaussians(
        means=spread * normal(count, 3),
        quats=normal(count, 4),
        log_scales=math.log(size) + 0.4 * normal(count, 3),
        opacity_logits=normal(count),
        sh=0.3 * normal(count, (degree + 1) ** 2, 3),
    )


def cameras_around(count: int, width: int, height: int) -> list[Camera]:
    """Cameras on a circle, 2 m from a cloud, that see most of it."""
    intrinsics = Intrinsics(width, height, 0.9 * width, 0.9 * width, width / 2, height / 2)
    angles = np.arange(count) * (2 * math.pi / count)
    return [Camera(intrinsics, look_at((2 * math.cos(a), 2 * math.sin(a), 0.8), (0, 0, 0))) for a in angles]


def moving_bodies(
    count: int, bodies: int, states: int, seed: int = 0
) -> tuple[Gaussians, Tensor]:  # poses (states, bodies + 1, 4, 4) world_from_object, row 0 the background
    """A flat background and bodies on it, a fiftieth of the Gaussians each, every state with its own poses."""
    scene = cloud(count, size=0.006, seed=seed)
    each = count // 50
    ids = torch.zeros(count, dtype=torch.int32)
    ids[: bodies * each] = torch.arange(1, bodies + 1, dtype=torch.int32).repeat_interleave(each)
    means = torch.where((ids > 0)[:, None], 0.1 * scene.means, scene.means * torch.tensor([1.0, 1.0, 0.1]))
    random = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (states, bodies + 1, 1, 1))
    turn = random.uniform(0, 2 * math.pi, (states, bodies))
    poses[:, 1:, 0, 0] = poses[:, 1:, 1, 1] = np.cos(turn)
    poses[:, 1:, 1, 0] = np.sin(turn)
    poses[:, 1:, 0, 1] = -np.sin(turn)
    poses[:, 1:, :3, 3] = random.uniform([-0.5, -0.5, 0.05], [0.5, 0.5, 0.3], (states, bodies, 3))
    scene = Gaussians(means, scene.quats, scene.log_scales, scene.opacity_logits, scene.sh, ids)
    return scene, torch.from_numpy(poses)


def trainable(scene: Gaussians) -> Gaussians:
    """A copy whose parameters are leaves that want gradients."""
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return Gaussians(*(getattr(scene, name).detach().clone().requires_grad_() for name in names))


def posed_capture(given: str) -> PosedCapture:
    """Cameras of a capture: of a finished poses stage (its folder), or of ``assets/captures/<given>``.

    A capture's cameras are found once and kept in ``outputs/benchmarks``.

    Raises:
        CalledProcessError: the build failed.
    """
    if (Path(given) / "posed.json").exists():
        return load_posed(Path(given))
    capture = Path(given) if Path(given).is_dir() else ROOT / "assets" / "captures" / given
    build = ROOT / "outputs" / "benchmarks" / capture.name
    command = [sys.executable, "-m", "scan2sim.cli", "build", str(capture), "-o", str(build), "--until", "poses"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return load_posed(build / "02-poses")
