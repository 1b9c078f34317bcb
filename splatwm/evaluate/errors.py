"""How far a predicted motion is from the true one: pure functions on arrays with any leading axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scan2sim.geometry import quaternion_conjugate, quaternion_multiply, rotation_vector

__all__ = ["errors_at", "has_moved", "mean_over_steps", "position_error", "rest_drift", "rotation_error"]

Array = NDArray[np.float64]


def position_error(
    predicted: ArrayLike,  # (..., 3) [m]
    truth: ArrayLike,  # (..., 3) [m]
) -> Array:  # (...) [m]
    """Distances between positions."""
    return np.linalg.norm(np.asarray(predicted, np.float64) - np.asarray(truth, np.float64), axis=-1)


def rotation_error(
    predicted: ArrayLike,  # (..., 4) wxyz, of any length but 0
    truth: ArrayLike,  # (..., 4)
) -> Array:  # (...) [rad] in 0..π
    """Angles of the rotations between orientations."""
    between = quaternion_multiply(quaternion_conjugate(predicted), truth)
    return np.linalg.norm(rotation_vector(between), axis=-1)


def errors_at(
    error: ArrayLike,  # (T, ...) one row per frame, the first one at time 0
    dt: float,  # [s]
    seconds: float,
) -> Array:  # (...)
    """The row of errors at a time, the nearest frame; NaN if the motion is shorter."""
    rows = np.asarray(error, np.float64)
    frame = round(seconds / dt)
    return rows[frame] if frame < len(rows) else np.full(rows.shape[1:], np.nan)


def mean_over_steps(
    error: ArrayLike,  # (T,) of one motion, the first one at time 0; NaN where it is not known
    steps: int,
) -> float:
    """The mean error of the first ``steps`` predicted frames; the start, which is given, does not count."""
    return float(np.nanmean(np.asarray(error, np.float64)[1 : steps + 1]))


def has_moved(
    position: ArrayLike,  # (T, O, 3) [m]
    wxyz: ArrayLike,  # (T, O, 4)
    distance: float = 0.005,  # [m]
    angle: float = 0.0873,  # [rad] 5°
) -> NDArray[np.bool_]:  # (O,)
    """Which objects are, at any time, farther than that from where they began."""
    at, turned = np.asarray(position, np.float64), np.asarray(wxyz, np.float64)
    far = position_error(at, at[:1]).max(0) > distance
    return far | (rotation_error(turned, np.broadcast_to(turned[:1], turned.shape)).max(0) > angle)


def rest_drift(
    predicted: ArrayLike,  # (T, O, 3) [m]
    resting: ArrayLike,  # (O,) bool, objects that truly do not move
) -> Array:  # (R,) [m]
    """How far objects that should rest end from where they began."""
    at = np.asarray(predicted, np.float64)[:, np.asarray(resting, bool)]
    return position_error(at[-1], at[0])
