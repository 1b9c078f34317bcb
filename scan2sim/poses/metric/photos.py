"""Undistorted photos as arrays, read when they are looked at; a capture's photos do not fit into memory at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.errors import PosesError

__all__ = ["Photos"]


@dataclass(frozen=True)
class Photos:
    """Photos by their index."""

    paths: Sequence[Path]

    def color(self, index: int) -> NDArray[np.uint8]:  # (H, W, 3)
        """The pixels of a photo.

        Raises:
            PosesError: it cannot be read.
        """
        path = self.paths[index]
        try:
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError) as problem:
            raise PosesError(f"cannot be read ({problem})", path=path, todo="run the poses stage again") from None
