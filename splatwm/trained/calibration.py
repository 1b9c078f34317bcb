"""From how far an ensemble parts to an interval that holds: split-conformal prediction.

Over episodes with truth, the half-width ``factor · (spread + floor)`` is sought that holds nine of ten errors (Vovk et
al. 2005; Lei et al. 2018, "Distribution-free predictive inference for regression", on normalised residuals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "calibrate", "conformal_quantile"]

Array = NDArray[np.float64]
CONFIDENCE = 0.9
LEAST = 1e-5  # [m] of the floor
ROUNDS = 20


@dataclass(frozen=True)
class Calibration:
    """Half-widths of 90 % intervals by time: ``factor · (spread + floor)``."""

    horizon: Array  # (H,) [s] increasing
    factor: Array  # (H,)
    floor: Array  # (H,) [m]

    def half_width(self, spread: Array, time: Array) -> Array:  # (T, O) [m], (T,) [s] → (T, O) [m]
        """How far off the prediction may be, at nine of ten things; before the first horizon and beyond the last, where
        too little has moved to know, the factors are those of the nearest.
        """
        factor = np.interp(time, self.horizon, self.factor)[:, None]
        floor = np.interp(time, self.horizon, self.floor)[:, None]
        return np.where(time[:, None] > 0, factor * (spread + floor), 0.0)


def calibrate(
    spreads: list[Array],  # (T, O) [m] of each episode
    errors: list[Array],  # (T, O) [m]
    moved: list[Array],  # (T, O) whether each thing has moved by then
    dt: float,  # [s]
    horizons: tuple[float, ...] = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0),  # [s]
) -> Calibration:
    """The factors and floors that hold nine of ten errors at each horizon, of what has moved and of what has not.

    The factor is set by what has moved, the floor by what rests, whose members hardly part: else the many things that
    rest would make intervals that are too short for the few that matter.  Horizons that no episode reaches are left
    out.

    Raises:
        ValueError: nothing has moved by any horizon.
    """
    rows = []
    for horizon in horizons:
        row = round(horizon / dt)
        parts = zip(spreads, errors, moved, strict=True)
        reached = [np.stack([s[row], e[row], m[row]]) for s, e, m in parts if len(s) > row]
        spread, error, goes = np.concatenate(reached, axis=1) if reached else np.zeros((3, 0))
        if (goes > 0).any():
            rows.append((horizon, *_fit(spread, error, goes > 0)))
    if not rows:
        raise ValueError("nothing has moved in these episodes, so there is nothing to calibrate with")
    horizon, factor, floor = np.array(rows).T
    return Calibration(horizon, factor, (factor * floor).max() / factor)  # what rests is as far off at any time


def _fit(spread: Array, error: Array, goes: NDArray[np.bool_]) -> tuple[float, float]:
    """Factor and floor, each from the other in turn."""
    factor, floor = 1.0, LEAST
    for _ in range(ROUNDS):
        factor = conformal_quantile(error[goes] / (spread[goes] + floor))
        if not goes.all():
            rest = conformal_quantile(error[~goes] / factor - spread[~goes])
            floor = max(LEAST, (floor + rest) / 2)
    return factor, floor


def conformal_quantile(values: Array) -> float:
    """That nine of ten, and one for the next one, do not exceed."""
    return float(np.quantile(values, min(1.0, CONFIDENCE * (len(values) + 1) / len(values))))
