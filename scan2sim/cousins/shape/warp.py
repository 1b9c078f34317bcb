"""Smooth invertible maps of space, with their Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chain", "Linear", "Warp"]

Array = NDArray[np.float64]


class Warp(Protocol):
    """A diffeomorphism of space that maps the plane z = 0, on which the object stands, onto itself."""

    def __call__(self, points: Array) -> tuple[Array, Array]:
        """Where points (N, 3) go, and the Jacobians (N, 3, 3) there; every determinant is positive."""
        ...


@dataclass(frozen=True)
class Linear:
    """x ↦ A x with det A > 0 and a last row (0, 0, positive)."""

    matrix: Array  # (3, 3)

    def __call__(self, points: Array) -> tuple[Array, Array]:  # noqa: D102 (as Warp says)
        return points @ self.matrix.T, np.broadcast_to(self.matrix, (len(points), 3, 3))


@dataclass(frozen=True)
class Chain:
    """One warp after the other; a composition of diffeomorphisms is one."""

    warps: Sequence[Warp]

    def __call__(self, points: Array) -> tuple[Array, Array]:  # noqa: D102 (as Warp says)
        jacobians = np.broadcast_to(np.eye(3), (len(points), 3, 3))
        for warp in self.warps:
            points, here = warp(points)
            jacobians = here @ jacobians
        return points, jacobians
