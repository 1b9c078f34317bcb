"""Gaussians carried along by a deformation: places, covariances, and what they look like from each side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.geometry import matrix_from_quaternion, quaternion_from_matrix
from scan2sim.splats import Gaussians, sh_basis

__all__ = ["carried_gaussians", "orthogonal_factors", "turned_sh"]

Array = NDArray[np.float64]

SWEEPS = 8
ORTHOGONAL = 1e-4  # largest cosine between two columns before the last turns, which square it
TINY = 1e-300


def carried_gaussians(
    gaussians: Gaussians,
    means: Array,  # (N, 3) [m] where the means go
    jacobians: Array,  # (N, 3, 3) of the deformation there, det > 0, in the frame of the Gaussians
) -> Gaussians:
    """Each Gaussian under the deformation's first-order map at its mean: Σ ↦ J Σ Jᵀ, and its colours turned with the
    rotation nearest to J (its polar factor)."""
    quats, scales = gaussians.quats.double().numpy(), np.exp(gaussians.log_scales.double().numpy())
    axes, lengths, _ = orthogonal_factors(jacobians @ (matrix_from_quaternion(quats) * scales[:, None]))
    left, _, right = orthogonal_factors(jacobians)
    like = gaussians.means
    return replace(
        gaussians,
        means=torch.from_numpy(means).to(like),
        quats=torch.from_numpy(quaternion_from_matrix(axes)).to(like),
        log_scales=torch.from_numpy(np.log(lengths)).to(like),
        sh=turned_sh(gaussians.sh, left @ right.transpose(0, 2, 1)),
    )


def orthogonal_factors(matrices: Array) -> tuple[Array, Array, Array]:  # (N, 3, 3)
    """U, S, V with ``M = U diag(S) Vᵀ``, S > 0, V and (where det M > 0) U rotations: (N, 3, 3), (N, 3), (N, 3, 3).

    One-sided Jacobi rotations of pairs of columns (Hestenes 1958, "Inversion of matrices by biorthogonalization"),
    which keep the columns in their order and are exact for the thin axes of flat Gaussians.
    """
    count = len(matrices)
    columns = np.empty((3, 6, count))  # the columns of M V, and of V below them, each entry contiguous
    columns[:, :3] = matrices.transpose(2, 1, 0)
    columns[:, 3:] = np.eye(3)[:, :, None]
    for _ in range(SWEEPS):
        worst = 0.0
        for i, j in ((0, 1), (0, 2), (1, 2)):
            (x, y, z), (p, q, r) = columns[i, :3], columns[j, :3]
            a, b, c = x * x + y * y + z * z, p * p + q * q + r * r, x * p + y * q + z * r
            worst = max(worst, float(np.max(c * c / np.maximum(a * b, TINY), initial=0.0)))
            d = b - a  # the tangent of the turn is the smaller root of t² + t d / c - 1 = 0
            t = 2 * c * np.where(d < 0, -1.0, 1.0) / np.maximum(np.abs(d) + np.sqrt(d * d + 4 * c * c), TINY)
            cos = 1 / np.sqrt(1 + t * t)
            sin = cos * t
            columns[i], columns[j] = cos * columns[i] - sin * columns[j], sin * columns[i] + cos * columns[j]
        if worst < ORTHOGONAL**2:
            break
    lengths = np.maximum(np.sqrt((columns[:, :3] ** 2).sum(1)), TINY)  # (3, N)
    left = (columns[:, :3] / lengths[:, None]).transpose(2, 1, 0)
    return left, lengths.T, columns[:, 3:].transpose(2, 1, 0)


def turned_sh(
    sh: Tensor,  # (N, K, 3)
    rotations: Array,  # (N, 3, 3)
) -> Tensor:  # (N, K, 3)
    """Each row's coefficients after turning its function by its own rotation: f'(d) = f(Rᵀ d).

    The functions of a degree are closed under rotation, so f' is found exactly from its values in a few directions.
    """
    degree = round(sh.shape[1] ** 0.5) - 1
    if degree == 0:
        return sh
    directions = _directions(sh.shape[1])
    fit = torch.linalg.pinv(sh_basis(degree, torch.from_numpy(directions))).to(sh)
    turned = torch.from_numpy(directions @ rotations).to(sh)  # rows Rᵀ d, (N, D, 3)
    return fit @ (sh_basis(degree, turned) @ sh)


def _directions(count: int) -> Array:  # (count, 3)
    """Points on the unit sphere along a golden spiral."""
    i = np.arange(count) + 0.5
    z, angle = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], -1)
