"""Depth and confidence maps as apps store them; each function gives one that is read when it is wanted."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from scan2sim.capture.shots import Map
from scan2sim.errors import CaptureError

__all__ = ["png_confidence", "png_depth"]

MAX_BYTES = 64 << 20
MAX_PIXELS = 32_000_000
MODES = {"I;16": np.uint16, "I;16B": np.uint16, "I": np.int32, "L": np.uint8}


def png_depth(path: Path, unit: float = 1e-3) -> Map | None:  # unit: [m] of a step
    """A 16-bit PNG of depth, None if there is no such file."""
    if not path.is_file():
        return None

    def read() -> NDArray[Any]:
        values = _read_png(path)
        if values.dtype == np.uint8:
            raise CaptureError("8 bits are too few for depth", path=path)
        return values.astype(np.float32) * np.float32(unit)

    return read


def png_confidence(path: Path, levels: tuple[int, int] = (1, 2)) -> Map | None:
    """An 8-bit PNG of confidence, None if there is no such file; from ``levels`` on it is medium and high."""
    if not path.is_file():
        return None

    def read() -> NDArray[Any]:
        values = _read_png(path)
        return (values >= levels[0]).astype(np.uint8) + (values >= levels[1]).astype(np.uint8)

    return read


def _read_png(path: Path) -> NDArray[Any]:
    """The values of a grey PNG; its size is checked before it is decoded."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CaptureError(f"larger than {MAX_BYTES >> 20} MiB", path=path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = PngImageFile(BytesIO(path.read_bytes()))
            if image.mode not in MODES or image.width * image.height > MAX_PIXELS:
                raise CaptureError(f"a map of {image.width}×{image.height} in mode {image.mode}", path=path)
            image.load()
            return np.array(image)
    except CaptureError:
        raise
    except Exception as problem:  # Pillow raises every kind of exception on damaged files
        raise CaptureError(f"damaged ({problem})", path=path) from problem
