"""Numbers as bytes: rounding, opacities, and quaternions by their three smallest components.

Of a unit quaternion the largest component follows from the others up to its sign, and q and -q are the same rotation.
So a file keeps which component is largest and the other three, which lie in ±1/√2 (Fiedler, "Snapshot compression").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LOGIT_LIMIT",
    "logits_from_opacity_bytes",
    "opacity_bytes",
    "quaternions_from_smallest_three",
    "round_away",
    "smallest_three",
    "to_bytes",
    "unit_quaternions",
]

Floats = NDArray[np.float64]
CLOSEST_TO_0_AND_1 = 1e-6  # an opacity of exactly 0 or 1 has no finite logit
LOGIT_LIMIT = float(np.log(1 / CLOSEST_TO_0_AND_1 - 1))  # that of 1 - 1e-6


def round_away(values: NDArray[Any]) -> NDArray[Any]:
    """To the nearest whole number, halves away from zero as C's ``round`` does."""
    return np.trunc(values + np.copysign(0.5, values))


def to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """To the nearest of 0..255."""
    return np.clip(round_away(values), 0, 255).astype(np.uint8)


def opacity_bytes(logits: NDArray[Any]) -> NDArray[np.uint8]:
    """255 · sigmoid, rounded."""
    with np.errstate(over="ignore"):
        return to_bytes(255 / (1 + np.exp(-logits.astype(np.float64))))


def logits_from_opacity_bytes(levels: NDArray[np.uint8]) -> Floats:
    """The inverse of :func:`opacity_bytes`; 0 and 255 become opacities 1e-6 and 1 - 1e-6."""
    opacity = np.clip(levels / 255.0, CLOSEST_TO_0_AND_1, 1 - CLOSEST_TO_0_AND_1)
    return np.log(opacity / (1 - opacity))


def unit_quaternions(
    quats: NDArray[Any],  # (N, 4) wxyz
) -> Floats:  # (N, 4)
    """Of length one; zero becomes the identity."""
    wide = quats.astype(np.float64)
    largest = np.abs(wide).max(1, keepdims=True, initial=0)  # squares of what is tiny would vanish
    wide = np.where(largest > 0, wide / np.where(largest > 0, largest, 1), [1.0, 0, 0, 0])
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def smallest_three(
    quats: Floats,  # (N, 4) unit, in the order of the file
    steps: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # (N,), (N, 3)
    """Which component is largest, and the others in units of 1/(√2 steps) with the parity of ``steps``.

    Numbers between -steps and steps of one parity lie 2 apart.  Rounding can make a component as large as the
    one that is left out; such are moved inwards, so that packing what was unpacked gives the same numbers.
    """
    index = np.abs(quats).argmax(1)
    kept = np.arange(4) != index[:, None]
    sign = np.where(np.take_along_axis(quats, index[:, None], 1) < 0, -1.0, 1.0)
    others = (quats * sign)[kept].reshape(-1, 3) * (np.sqrt(2) * steps)
    if steps % 2:
        numbers = 2 * np.floor((others + steps) / 2 + 0.5).astype(np.int64) - steps
    else:
        numbers = 2 * round_away(others / 2).astype(np.int64)
    numbers = np.clip(numbers, -steps, steps)
    while True:
        size = np.abs(numbers)
        largest = size.max(1, keepdims=True)
        wrong = (size**2).sum(1, keepdims=True) + largest**2 >= 2 * steps**2
        if not wrong.any():
            return index, numbers
        numbers -= 2 * np.sign(numbers) * (wrong & (size == largest))


def quaternions_from_smallest_three(
    index: NDArray[Any],  # (N,) 0..3
    numbers: NDArray[Any],  # (N, 3)
    steps: int,
) -> Floats:  # (N, 4)
    """The inverse of :func:`smallest_three`."""
    kept = np.arange(4) != index[:, None]
    others = numbers / (np.sqrt(2) * steps)
    quats = np.empty((len(index), 4))
    quats[kept] = others.ravel()
    quats[~kept] = np.sqrt(np.maximum(0, 1 - (others**2).sum(1)))
    return quats
