"""Cross-sections along an axis, each scaled, turned and moved: stretch, taper, neck, twist and bend alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "KNOTS", "MARGIN", "AxisWarp", "knot_places"]

Array = NDArray[np.float64]

KNOTS = 41
MARGIN = 0.05  # the knots reach beyond both ends of the object by this share of its length
CHANNELS = ("log_scale_1", "log_scale_2", "log_slope", "turn", "offset_1", "offset_2")


def knot_places() -> Array:  # (KNOTS,)
    """Where the knots lie along the axis: 0 and 1 are the ends of the object."""
    return np.linspace(-MARGIN, 1 + MARGIN, KNOTS)


@dataclass(frozen=True)
class AxisWarp:
    """``h ↦ G(h)`` and ``(p, q) ↦ turn(h) diag(scales(h)) (p, q) + offset(h)``, h along the axis, (p, q) across it.

    G' = exp(log_slope) interpolated linearly, so G' > 0; for each h the cross-section is mapped by an invertible affine
    map.  So this is a diffeomorphism whatever the knots hold, with ``det J = exp(log_scale_1 + log_scale_2) G'``.
    (Barr 1984, "Global and local deformations of solid primitives", with profiles in place of his formulas.)

    The knots of the other channels are joined by cubic Hermite pieces (Catmull–Rom), constant beyond the ends.  Where
    the axis is vertical, z = 0 stays; a horizontal axis lies in z = 0 and q is z, and needs offset_2 = turn = 0 for it.
    """

    axis: int  # 2: z up, (p, q) = (x, y) · 0: x, (p, q) = (y, z)
    start: float  # [m] the object's near end along the axis
    length: float  # [m]
    knots: Array  # (KNOTS, 6) CHANNELS; scales and slope as logarithms, turn [rad], offsets [m]

    def __call__(self, points: Array) -> tuple[Array, Array]:  # noqa: D102 (as Warp says)
        first, second = (1, 2) if self.axis == 0 else (0, 1)
        p, q, h = points[:, first], points[:, second], points[:, self.axis]
        values, slopes = self._profiles(h)
        scale_1, scale_2 = np.exp(values[0]), np.exp(values[1])
        cos, sin = np.cos(values[3]), np.sin(values[3])
        u, v = scale_1 * p, scale_2 * q
        turned_u, turned_v = cos * u - sin * v, sin * u + cos * v
        along, along_slope = self._along(h)
        moved = np.empty_like(points)
        moved[:, first], moved[:, second] = turned_u + values[4], turned_v + values[5]
        moved[:, self.axis] = along
        jacobians = np.zeros((len(points), 3, 3))
        jacobians[:, first, first], jacobians[:, first, second] = cos * scale_1, -sin * scale_2
        jacobians[:, second, first], jacobians[:, second, second] = sin * scale_1, cos * scale_2
        du, dv = slopes[0] * u, slopes[1] * v
        jacobians[:, first, self.axis] = cos * du - sin * dv - slopes[3] * turned_v + slopes[4]
        jacobians[:, second, self.axis] = sin * du + cos * dv + slopes[3] * turned_u + slopes[5]
        jacobians[:, self.axis, self.axis] = along_slope
        return moved, jacobians

    @property
    def _step(self) -> float:
        return (1 + 2 * MARGIN) * self.length / (KNOTS - 1)

    def _place(self, h: Array) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
        """The knot before each place, the share of the way to the next, and whether it lies between the ends."""
        place = (h - self.start) / self._step + MARGIN * self.length / self._step
        clipped = place.clip(0, KNOTS - 1)
        before = np.minimum(clipped.astype(np.int64), KNOTS - 2)
        return before, clipped - before, clipped == place

    def _profiles(self, h: Array) -> tuple[Array, Array]:  # (6, N) values and derivatives
        before, s, inside = self._place(h)
        tangents = np.gradient(self.knots, axis=0)
        rise, start, end = np.diff(self.knots, axis=0), tangents[:-1], tangents[1:]
        square, cube = 3 * rise - 2 * start - end, start + end - 2 * rise
        values, slopes = np.zeros((6, len(h))), np.zeros((6, len(h)))
        for k in np.flatnonzero(self.knots.any(0)):
            b, c, d = start[:, k][before], square[:, k][before], cube[:, k][before]
            values[k] = self.knots[:, k][before] + s * (b + s * (c + s * d))
            slopes[k] = (b + s * (2 * c + 3 * s * d)) * inside / self._step
        return values, slopes

    def _along(self, h: Array) -> tuple[Array, Array]:  # (N,) G and G'
        if not self.knots[:, 2].any():
            return h, np.ones(len(h))
        steepness = np.exp(self.knots[:, 2])
        sums = np.concatenate([[0.0], np.cumsum((steepness[1:] + steepness[:-1]) / 2)]) * self._step

        def integral(places: Array) -> tuple[Array, Array]:
            before, s, _ = self._place(places)
            slope = steepness[before] + s * (steepness[before + 1] - steepness[before])
            reached = sums[before] + self._step * s * (steepness[before] + slope) / 2
            low, high = self.start - MARGIN * self.length, self.start + (1 + MARGIN) * self.length
            return reached + slope * (places - places.clip(low, high)), slope

        along, slope = integral(h)
        return along - integral(np.zeros(1))[0], slope
