"""Small random and degenerate scenes, and the comparison of two backends on them."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.splats import Gaussians

PARAMETERS = ("means", "quats", "log_scales", "opacity_logits", "sh")


def camera(width: int = 40, height: int = 28, eye: tuple[float, float, float] = (1.5, -1.0, 0.8)) -> Camera:
    """A camera near a blob at the origin, its principal point off the centre."""
    focal = 0.9 * width
    intrinsics = Intrinsics(width, height, focal, 1.03 * focal, 0.5 * width + 1.3, 0.5 * height - 0.7)
    return Camera(intrinsics, look_at(eye, (0, 0, 0)))


def blob(count: int = 40, degree: int = 3, size: float = 0.08, spread: float = 0.4, seed: int = 0) -> Gaussians:
    """Gaussians of about ``size`` [m] around the origin."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    return Gaussians(
        means=spread * normal(count, 3),
        quats=normal(count, 4),
        log_scales=math.log(size) + 0.6 * normal(count, 3),
        opacity_logits=normal(count),
        sh=0.3 * normal(count, (degree + 1) ** 2, 3),
    )


def _needles() -> Gaussians:
    scene = blob(seed=3)
    return replace(scene, log_scales=torch.tensor([0.0, -7.0, -6.0]) + 0.3 * scene.log_scales)


def _broken() -> Gaussians:
    scene = blob(seed=4)
    scene.means[3, 1] = math.nan
    scene.means[4, 0] = math.inf
    scene.quats[5] = 0
    scene.quats[6, 2] = math.nan
    scene.log_scales[7, 0] = math.inf
    scene.log_scales[8, 2] = math.nan
    scene.log_scales[9] = -math.inf
    scene.opacity_logits[10] = math.nan
    scene.opacity_logits[11] = math.inf
    scene.sh[12, 0, 1] = math.nan
    scene.sh[13, 15, 0] = -math.inf
    return scene


def _coincident() -> Gaussians:
    scene = blob(seed=5)
    return replace(scene, means=scene.means[:4].repeat(10, 1))


def _crowd() -> Gaussians:
    """Thousands on one pixel, each nearly transparent."""
    scene = blob(3000, degree=0, size=0.004, spread=0.004, seed=10)
    return replace(scene, opacity_logits=scene.opacity_logits - 4.0)


SCENES: dict[str, tuple[Gaussians, list[Camera]]] = {
    "two cameras": (blob(), [camera(), camera(eye=(-1, 1.2, 1))]),
    "many small": (blob(300, size=0.02, seed=1), [camera(70, 50)]),
    "degree 0": (blob(degree=0), [camera()]),
    "degree 1": (blob(degree=1), [camera()]),
    "degree 2": (blob(degree=2), [camera()]),
    "needles": (_needles(), [camera()]),
    "huge": (blob(size=20.0, seed=2), [camera()]),
    "around the camera": (blob(150, spread=2.0, seed=6), [camera()]),
    "all behind": (blob(), [Camera(camera().intrinsics, look_at((0, 0, 50), (0, 0, 100)))]),
    "opaque": (replace(blob(), opacity_logits=torch.full((40,), 30.0)), [camera()]),
    "transparent": (replace(blob(), opacity_logits=torch.full((40,), -30.0)), [camera()]),
    "coincident": (_coincident(), [camera()]),
    "thousands on one pixel": (_crowd(), [camera()]),
    "not finite": (_broken(), [camera()]),
    "one": (blob(1, spread=0.0), [camera()]),
    "none": (Gaussians.empty(3), [camera()]),
    "one pixel": (blob(), [camera(1, 1)]),
    "one row": (blob(), [camera(37, 1)]),
    "odd size": (blob(), [camera(33, 47)]),
}


def trainable(scene: Gaussians, dtype: torch.dtype = torch.float32) -> Gaussians:
    """A copy whose parameters are leaves that want gradients."""
    return replace(scene, **{n: getattr(scene, n).detach().clone().to(dtype).requires_grad_() for n in PARAMETERS})


def random_like(values: Tensor, seed: int) -> Tensor:
    """Standard normal numbers of the same shape, the same for every precision."""
    numbers = torch.randn(values.shape, generator=torch.Generator().manual_seed(seed))
    return numbers.to(values.dtype)


def relative_error(a: Tensor, b: Tensor) -> float:
    """‖a - b‖ / ‖b‖, forgiving what is below 1e-6."""
    size = b.double().norm().item()
    return (a.double() - b.double()).norm().item() / (size + 1e-6)
