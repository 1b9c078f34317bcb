"""Free form: a few wide Gaussian bumps that push space this way and that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BumpWarp"]

Array = NDArray[np.float64]

STEEPEST = math.exp(-0.5)  # of exp(-r²/2), at r = 1


@dataclass(frozen=True)
class BumpWarp:
    """``x ↦ x + Σ_i w(z) a_i exp(-|x - c_i|² / 2 σ²)``, where w fades the vertical part out towards z = 0.

    ``w = 1 - exp(-z² / 2 τ²)`` for the vertical part and 1 for the others.  The displacement's Lipschitz constant is
    at most :attr:`lipschitz`; below 1 the map is a diffeomorphism (Banach's fixed point theorem).
    """

    centres: Array  # (M, 3) [m]
    pushes: Array  # (M, 3) [m] a
    width: float  # [m] σ
    fade: float  # [m] τ

    @property
    def lipschitz(self) -> float:
        """An upper bound of how much the displacement changes over a distance."""
        return float(np.linalg.norm(self.pushes, axis=1).sum()) * STEEPEST * (1 / self.width + 1 / self.fade)

    def __call__(self, points: Array) -> tuple[Array, Array]:  # noqa: D102 (as Warp says)
        away = points[:, None] - self.centres  # (N, M, 3)
        bell = np.exp(-np.einsum("nmi,nmi->nm", away, away) / (2 * self.width**2))
        push = bell @ self.pushes
        jacobians = -np.einsum("nm,mi,nmj->nij", bell, self.pushes, away, optimize=True) / self.width**2
        z = points[:, 2]
        faded = np.exp(-(z * z) / (2 * self.fade**2))
        jacobians[:, 2] *= (1 - faded)[:, None]
        jacobians[:, 2, 2] += push[:, 2] * faded * z / self.fade**2
        push[:, 2] *= 1 - faded
        jacobians[:, [0, 1, 2], [0, 1, 2]] += 1
        return points + push, jacobians
