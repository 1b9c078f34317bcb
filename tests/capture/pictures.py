"""Small textured photos for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(seed: int, width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """A colourful picture (height, width, 3) with structure at several scales, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cells in (4, 16, 40):
        layer = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC), dtype=float) / 3
    return np.clip(total, 0, 255).astype(np.uint8)


def write_photo(path: Path, seed: int = 0, width: int = 160, height: int = 120, **options: Any) -> Path:
    """A picture as a file, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, width, height)).save(path, quality=92, **options)
    return path


def write_photos(folder: Path, count: int = 4) -> Path:
    """A folder of distinct JPEGs IMG_0.jpg, IMG_1.jpg, …"""
    for i in range(count):
        write_photo(folder / f"IMG_{i}.jpg", seed=i)
    return folder
