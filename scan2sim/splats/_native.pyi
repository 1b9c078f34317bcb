"""What the compiled module offers, see native/module.cpp; arrays are C-contiguous float32 or int32 on the CPU."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

def keep_freed_memory() -> None: ...
def available_isas() -> list[str]: ...
def isa() -> str: ...
def set_isa(name: str) -> None: ...
def threads() -> int: ...
def set_threads(count: int) -> None: ...
def photometric_loss(
    rendered: Tensor,
    target: Tensor,
    ssim_weight: float,
    exposure: Tensor | None,
    gradient: Tensor | None,
    exposure_gradient: Tensor | None,
) -> float: ...
def adam(
    values: Tensor,
    gradients: Tensor,
    first: Tensor,
    second: Tensor,
    chosen: Tensor | None,  # bool
    first_column: int,
    columns: int,
    beta1: float,
    beta2: float,
    first_scale: float,
    second_scale: float,
    epsilon: float,
) -> None: ...
def fuse_depth(
    total: Tensor,  # (X, Y, Z)
    weight: Tensor,
    corner: list[float],
    cell: float,
    camera: list[float],  # rotation row by row, centre, fx, fy, cx, cy
    depth: Tensor,
    own: Tensor,  # bool
    trust: Tensor | None,
    reach: float,
    slack: float,
    hidden: float,
    empty: float,
) -> None: ...
def draw_triangles(
    pixels: NDArray[np.float64],  # (V, 2)
    depths: NDArray[np.float64],  # (V,)
    faces: NDArray[np.int32],  # (F, 3)
    nearest: float,
    face: NDArray[np.int32],  # (H, W), written
    inverse: NDArray[np.float64],  # (H, W), written
) -> None: ...
def look_up(
    origin: list[float],
    rays: Tensor,  # (N, 3)
    depth: Tensor,  # (N,)
    camera: list[float],  # rotation row by row, centre, fx, fy, cx, cy
    surface: Tensor,  # (H, W)
    numbers: Tensor,  # (H, W) int32
    number: int,
    place: Tensor,  # (N,) int32, written
    behind: Tensor,  # (N,), written
    inside: Tensor,  # (N,) bool, written
) -> None: ...
def compare_windows(
    gray: Tensor,  # (h, w)
    own: Tensor,  # (h, w) bool
    origin: list[float],
    rays: Tensor,  # (h, w, 3)
    depth: Tensor,  # (h, w)
    shifts: Tensor,  # (T,)
    camera: list[float],
    picture: Tensor,  # (H, W)
    radius: int,
    noise: float,
    difference: float,
    pattern: Tensor,  # (T, h, w), written
    level: Tensor,  # (T, h, w), written
) -> None: ...

class Gaussians:
    def __init__(
        self,
        means: Tensor,
        quats: Tensor,
        log_scales: Tensor,
        opacity_logits: Tensor,
        sh: Tensor,
        object_ids: Tensor | None,
        features: Tensor | None,
    ) -> None: ...

class Views:
    def __init__(
        self,
        transforms: Tensor,
        intrinsics: Tensor,
        width: int,
        height: int,
        sh_degree: int,
        near: float,
        far: float,
        antialiased: bool,
    ) -> None: ...

class Pictures:
    def __init__(
        self,
        colors: Tensor,
        alphas: Tensor,
        depths: Tensor,
        median_depths: Tensor,
        features: Tensor | None,
        ids: Tensor | None,
        object_ids: Tensor | None,
        object_count: int,
    ) -> None: ...

def render(
    gaussians: Gaussians, views: Views, pictures: Pictures, means2d: Tensor | None, radii: Tensor | None
) -> None: ...

class Frames:
    def __init__(self, gaussians: Gaussians, views: Views, means2d: Tensor, radii: Tensor) -> None: ...
    def blend(self, pictures: Pictures) -> None: ...
    def backward(
        self,
        colors: Tensor | None,
        alphas: Tensor | None,
        depths: Tensor | None,
        features: Tensor | None,
        rendered_depths: Tensor,
        means: Tensor | None,
        quats: Tensor | None,
        log_scales: Tensor | None,
        opacity_logits: Tensor | None,
        sh: Tensor | None,
        feature_gradients: Tensor | None,
        means2d: Tensor | None,
        transforms: Tensor | None,
    ) -> None: ...
    def accumulate(self, maps: Tensor, sums: Tensor) -> None: ...
    def dominant(self, indices: Tensor) -> None: ...
    def count(self) -> tuple[int, int]: ...
