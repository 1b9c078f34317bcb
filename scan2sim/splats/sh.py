"""Real spherical harmonics of degree ≤ 3 in the convention of 3D Gaussian splatting, and turning splats.

The basis and its signs are those of Kerbl et al. 2023 and gsplat: Y₁ = √(3/4π) (-y, z, -x) and so on.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.geometry import quaternion_from_matrix
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.quaternions import quaternion_product

__all__ = ["evaluate_sh", "rotate_gaussians", "rotate_sh", "sh_basis"]


def sh_basis(
    degree: int,
    directions: Tensor,  # (..., 3) unit vectors
) -> Tensor:  # (..., (degree + 1)²)
    """Values of the basis functions Y_k in the given directions."""
    x, y, z = directions.unbind(-1)
    values = [torch.full_like(x, 0.2820947917738781)]
    if degree >= 1:
        values += [-0.48860251190292 * y, 0.48860251190292 * z, -0.48860251190292 * x]
    zz, c1, s1 = z * z, x * x - y * y, 2 * x * y
    if degree >= 2:
        values += [
            0.5462742152960395 * s1,
            -1.092548430592079 * z * y,
            0.9461746957575601 * zz - 0.3153915652525201,
            -1.092548430592079 * z * x,
            0.5462742152960395 * c1,
        ]
    if degree >= 3:
        c = 0.4570457994644658 - 2.285228997322329 * zz
        values += [
            -0.5900435899266435 * (x * s1 + y * c1),
            1.445305721320277 * z * s1,
            c * y,
            z * (1.865881662950577 * zz - 1.119528997770346),
            c * x,
            1.445305721320277 * z * c1,
            -0.5900435899266435 * (x * c1 - y * s1),
        ]
    return torch.stack(values, -1)


def evaluate_sh(
    sh: Tensor,  # (N, K, 3)
    directions: Tensor,  # (N, 3) unit vectors from the camera to the Gaussians
    degree: int,
) -> Tensor:  # (N, 3)
    """Colours max(0, Σ_k Y_k sh_k + 1/2) seen along the directions, using the bands up to ``degree``."""
    basis = sh_basis(degree, directions)
    return (torch.einsum("nk,nkc->nc", basis, sh[:, : basis.shape[-1]]) + 0.5).clamp_min(0.0)


def rotate_sh(
    sh: Tensor,  # (N, K, 3)
    a_from_b: ArrayLike,  # (3, 3) rotation
) -> Tensor:  # (N, K, 3)
    """Coefficients of the same function after turning it: f'(d) = f(Rᵀ d).

    Each band l turns by its own matrix D_l with Y_l(Rᵀ d) = D_lᵀ Y_l(d), which is found exactly from 2l + 1 or more
    sample directions by least squares.
    """
    rotation = np.asarray(a_from_b, dtype=np.float64)
    degree = round(sh.shape[1] ** 0.5) - 1
    directions = torch.from_numpy(_spread_directions(64))
    straight = sh_basis(degree, directions)
    turned = sh_basis(degree, directions @ torch.from_numpy(rotation))  # rows Rᵀ d
    bands = [sh[:, :1]]
    for band in range(1, degree + 1):
        k = slice(band * band, (band + 1) ** 2)
        matrix = torch.linalg.lstsq(straight[:, k], turned[:, k]).solution  # straight @ matrix = turned
        bands.append(torch.einsum("ij,njc->nic", matrix.to(sh), sh[:, k]))
    return torch.cat(bands, 1)


def _spread_directions(count: int) -> NDArray[np.float64]:
    """Points on the unit sphere along a golden spiral, (count, 3)."""
    i = np.arange(count) + 0.5
    z, angle = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], -1)


def rotate_gaussians(
    gaussians: Gaussians,  # in frame b
    a_from_b: ArrayLike,  # (4, 4) rigid or similarity transform
) -> Gaussians:  # in frame a
    """Carry Gaussians into another frame: means, rotations, sizes and spherical harmonics.

    Raises:
        UsageError: the matrix is not a rigid transform or similarity without mirroring.
    """
    matrix = np.asarray(a_from_b, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise UsageError(f"got a transform of shape {matrix.shape}, expected a finite 4×4 matrix")
    scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
    if scale <= 0:
        raise UsageError("the transform mirrors or flattens; Gaussians can only be moved, turned and scaled")
    rotation = matrix[:3, :3] / scale
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-4:
        raise UsageError("the transform shears or scales axes differently; expected a rigid transform or similarity")
    like = gaussians.means
    turn = torch.from_numpy(matrix[:3, :3]).to(like)
    shift = torch.from_numpy(matrix[:3, 3].copy()).to(like)
    return Gaussians(
        means=gaussians.means @ turn.T + shift,
        quats=quaternion_product(torch.from_numpy(quaternion_from_matrix(rotation)).to(like), gaussians.quats),
        log_scales=gaussians.log_scales + float(np.log(scale)),
        opacity_logits=gaussians.opacity_logits,
        sh=rotate_sh(gaussians.sh, rotation),
        object_ids=gaussians.object_ids,
    )
