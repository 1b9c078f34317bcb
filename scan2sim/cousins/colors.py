"""Colours as people see them, and linear changes of colour that keep shading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LUMA", "lab"]

Array = NDArray[np.float64]

LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], LUMA.tolist(), [0.0193339, 0.119192, 0.9503041]])
_WHITE = _XYZ.sum(1)  # D65


def lab(rgb: Array) -> Array:  # (N, 3) sRGB in 0..1 → (N, 3) CIELAB
    """L* 0..100, a*, b* under D65 (CIE 15, IEC 61966-2-1); values outside 0..1 are clipped."""
    encoded = rgb.clip(0, 1)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)
