"""From how far an ensemble parts to an interval that holds: split-conformal prediction.

Over episodes with truth, the smallest half-width ``floor + factor · spread`` is sought that holds nine of ten errors
(Vovk et al. 2005; Lei et al. 2018, "Distribution-free predictive inference for regression", on normalised residuals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "calibrate"]

Array = NDArray[np.float64]
CONFIDENCE = 0.9
TRUST = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008)  # [m] added to spreads; the one that fits best is taken


@dataclass(frozen=True)
class Calibration:
    """Half-widths of 90 % intervals by time: ``factor · (spread + floor)``."""

    horizon: Array  # (H,) [s] increasing
    factor: Array  # (H,)
    floor: Array  # (H,) [m]

    def half_width(self, spread: Array, time: Array) -> Array:  # (T, O) [m], (T,) [s] → (T, O) [m]
        """How far off the prediction may be, at nine of ten things; beyond the last horizon, as at the last."""
        factor = np.interp(time, self.horizon, self.factor)[:, None]
        floor = np.interp(time, self.horizon, self.floor)[:, None]
        return np.where(time[:, None] > 0, factor * (spread + floor), 0.0)


def calibrate(
    spreads: list[Array],  # (T, O) [m] of each episode
    errors: list[Array],  # (T, O) [m]
    dt: float,  # [s]
    horizons: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0),  # [s]
) -> Calibration:
    """The factors that hold nine of ten errors at each horizon, with the floor that makes the intervals short.

    Horizons that no episode reaches are left out.

    Raises:
        ValueError: there is no episode that reaches the first horizon.
    """
    rows = []
    for horizon in horizons:
        row = round(horizon / dt)
        reached = [(s[row], e[row]) for s, e in zip(spreads, errors, strict=True) if len(s) > row]
        if not reached:
            continue
        spread, error = (np.concatenate(part) for part in zip(*reached, strict=True))
        rows.append((horizon, *_fit(spread, error)))
    if not rows:
        raise ValueError("no episode is long enough to calibrate with")
    horizon, factor, floor = np.array(rows).T
    return Calibration(horizon, factor, floor)


def _fit(spread: Array, error: Array) -> tuple[float, float]:
    """Factor and floor; of the floors that one which gives the shortest intervals on the geometric mean."""
    level = min(1.0, CONFIDENCE * (len(error) + 1) / len(error))
    found = []
    for floor in TRUST:
        factor = float(np.quantile(error / (spread + floor), level))
        found.append((float(np.log(factor * (spread + floor) + 1e-9).mean()), factor, floor))
    _, factor, floor = min(found)
    return factor, floor
