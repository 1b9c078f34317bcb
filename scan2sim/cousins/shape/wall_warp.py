"""The inner wall of a round hollow thing moves, the outer one stays: thicker and thinner walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WallWarp"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WallWarp:
    """Each point moves along its radius: ``u ↦ u - δ(z) ψ(u, z)`` for the elliptic radius ``u = |(x / a, y / b)|``.

    ψ rises smoothly (3 v² - 2 v³) from 0 on the axis to 1 on the inner wall and falls to 0 on the outer one.  For each
    height this is monotone in u while ``1.5 δ`` lies between minus the wall's thickness and the inner radius, which
    :meth:`limits` says; so the map is a diffeomorphism, triangular in (z, angle, u).
    """

    semi: Array  # (2,) a and b, a b = 1
    heights: Array  # (K,) [m] increasing
    inner: Array  # (K,) [m] elliptic radius
    outer: Array  # (K,) [m]
    inward: Array  # (K,) [m] δ

    @staticmethod
    def limits(inner: Array, outer: Array) -> tuple[float, float]:
        """Smallest and largest growth of the wall, over its thickness, that the map can do."""
        return -0.6, float(0.6 * (inner / (outer - inner)).min())

    def __call__(self, points: Array) -> tuple[Array, Array]:  # noqa: D102 (as Warp says)
        x, y, z = points.T
        a, b = self.semi
        u = np.maximum(np.hypot(x / a, y / b), 1e-12)
        inner, inner_z = self._at(z, self.inner)
        outer, outer_z = self._at(z, self.outer)
        inward, inward_z = self._at(z, self.inward)
        within = u < inner
        v = np.where(within, u / inner, (outer - u) / (outer - inner)).clip(0, 1)
        psi, psi_v = v * v * (3 - 2 * v), 6 * v * (1 - v)
        v_u = np.where(within, 1 / inner, -1 / (outer - inner))
        v_z = np.where(within, -u * inner_z / inner**2, (outer_z * (1 - v) + inner_z * v) / (outer - inner))
        factor = 1 - inward * psi / u
        factor_u = -inward * (psi_v * v_u - psi / u) / u
        factor_z = -(inward_z * psi + inward * psi_v * v_z) / u
        moved = np.stack([factor * x, factor * y, z], axis=1)
        slope = np.stack([factor_u * x / (a * a * u), factor_u * y / (b * b * u), factor_z], axis=1)  # of the factor
        jacobians = np.einsum("ni,nj->nij", points * [1, 1, 0], slope)
        jacobians[:, 0, 0] += factor
        jacobians[:, 1, 1] += factor
        jacobians[:, 2, 2] += 1
        return moved, jacobians

    def _at(self, z: Array, values: Array) -> tuple[Array, Array]:
        """Linear between the heights and constant beyond them, with its derivative."""
        before = np.searchsorted(self.heights, z).clip(1, len(self.heights) - 1) - 1
        step = self.heights[before + 1] - self.heights[before]
        share = (z - self.heights[before]) / step
        rise = values[before + 1] - values[before]
        slope = np.where((share >= 0) & (share <= 1), rise / step, 0.0)
        return values[before] + share.clip(0, 1) * rise, slope
