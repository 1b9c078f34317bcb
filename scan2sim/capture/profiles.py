"""Colours of a wide-gamut photo become sRGB: the ICC profiles that cameras write, read without a profile engine.

Phones tag their photos Display P3; taken for sRGB these look pale.  Such a profile is a matrix and a curve for each
channel (ICC.1:2022, 8.3.3), of which only numbers are read here: sizes and offsets are held against the profile's
length, nothing of it is run, and a profile of another kind leaves the picture as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["as_srgb"]

Array = NDArray[np.float64]

MAX_TAGS = 100
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])  # XYZ of D50
SAME = 0.006  # of matrix and curve: profiles of sRGB itself are rounded in many ways
LEVELS = np.arange(256) / 255
FINE = 4095  # steps of linear light


@dataclass(frozen=True)
class _Profile:
    matrix: Array  # (3, 3) linear sRGB from the profile's linear colours
    curves: Array  # (3, 256) linear light of each level


def as_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """The RGB picture in sRGB; itself where its profile is sRGB's, missing, damaged or of a kind that is not read.

    What sRGB cannot show is cut off.
    """
    profile = _parse(icc) if icc and image.mode == "RGB" else None
    if profile is None or _is_srgb(profile):
        return image
    pixels = np.asarray(image)
    linear = np.stack([profile.curves[c].astype(np.float32)[pixels[..., c]] for c in range(3)], -1)
    turned = np.clip(linear @ profile.matrix.T.astype(np.float32), 0, 1)
    table = np.round(255 * _encoded(np.arange(FINE + 1) / FINE)).astype(np.uint8)
    return Image.fromarray(table[np.round(turned * FINE).astype(np.uint16)])


def _is_srgb(profile: _Profile) -> bool:
    curve = np.where(LEVELS <= 0.04045, LEVELS / 12.92, ((LEVELS + 0.055) / 1.055) ** 2.4)
    return bool(np.abs(profile.matrix - np.eye(3)).max() < SAME and np.abs(profile.curves - curve).max() < SAME)


def _encoded(linear: Array) -> Array:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def _parse(icc: bytes) -> _Profile | None:
    try:
        if icc[36:40] != b"acsp" or icc[16:20] != b"RGB " or icc[20:24] != b"XYZ ":
            return None
        (count,) = struct.unpack_from(">I", icc, 128)
        if count > MAX_TAGS:
            return None
        rows = [struct.unpack_from(">4sII", icc, 132 + 12 * i) for i in range(count)]
        tags = {name: icc[start : start + size] for name, start, size in rows if start + size <= len(icc)}
        if b"A2B0" in tags:  # a table that goes before the matrix
            return None
        colours = np.array([_numbers(tags[name], 8, 3) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
        curves = np.array([_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")])
    except (KeyError, ValueError, struct.error):
        return None
    matrix = np.asarray(np.linalg.solve(SRGB, colours), np.float64)
    sound = np.isfinite(matrix).all() and np.isfinite(curves).all() and (np.diff(curves, axis=1) >= 0).all()
    white = np.abs(matrix.sum(1) - 1).max() < 0.05  # white stays white
    return _Profile(matrix, np.clip(curves, 0, 1)) if sound and white else None


def _numbers(tag: bytes, start: int, count: int) -> Array:
    """Numbers of 16 bits and 16 bits behind the point."""
    return np.array(struct.unpack_from(f">{count}i", tag, start)) / 65536


def _curve(tag: bytes) -> Array:  # (256,)
    """Linear light of each level (ICC.1:2022, 10.6 and 10.18)."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return LEVELS
        if count == 1:
            return LEVELS ** (struct.unpack_from(">H", tag, 12)[0] / 256)
        if 12 + 2 * count > len(tag):
            raise ValueError("a curve that is longer than its tag")
        values = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(LEVELS, np.linspace(0, 1, count), values)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    g, a, b, c, d, e, f = [*_numbers(tag, 12, {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind]), *np.zeros(7)][:7]
    with np.errstate(all="ignore"):  # what comes out of nonsense is no number, and is refused
        if kind == 0:
            return LEVELS**g
        if kind < 3:
            start, below, shift = -b / a, (c if kind == 2 else 0.0), (c if kind == 2 else 0.0)
            return np.where(start <= LEVELS, np.maximum(a * LEVELS + b, 0) ** g + shift, below)
        return np.where(d <= LEVELS, np.maximum(a * LEVELS + b, 0) ** g + e, c * LEVELS + f)
