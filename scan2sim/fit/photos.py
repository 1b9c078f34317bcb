"""The photos as the trainer sees them: reduced, in a pyramid, with their cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.errors import FitError
from scan2sim.poses import PosedFrame

__all__ = ["Photo", "load_photos", "pyramid"]


@dataclass(frozen=True)
class Photo:
    """One photo at several sizes; ``levels[factor]`` is 8-bit and reduced ``factor`` times."""

    name: str
    camera: Camera  # of level 1
    levels: dict[int, Tensor]  # (H, W, 3) uint8

    def view(self, factor: int) -> tuple[Tensor, Camera]:  # (H, W, 3) float32 in 0..1
        """The photo reduced ``factor`` times, with its camera."""
        return self.levels[factor] * (1 / 255), self.camera_at(factor)

    def camera_at(self, factor: int) -> Camera:
        """The camera of the photo reduced ``factor`` times."""
        height, width = self.levels[factor].shape[:2]
        return self.camera.resized(width, height)


def load_photos(
    frames: tuple[PosedFrame, ...],
    max_size: int,  # of the long side [pixels]
    factors: tuple[int, ...],
    device: torch.device | str = "cpu",
) -> list[Photo]:
    """Read the photos, reduce them to ``max_size`` and build the pyramid of ``factors`` (area averages).

    Raises:
        FitError: a photo is missing or has another size than its camera.
    """
    photos = []
    for frame in frames:
        intrinsics = frame.camera.intrinsics
        try:
            with Image.open(frame.image) as file:
                image = file.convert("RGB")
        except OSError as problem:
            raise FitError(
                f"photo cannot be read ({problem})", path=frame.image, todo="run again with --from poses"
            ) from None
        if image.size != (intrinsics.width, intrinsics.height):
            expected = f"{intrinsics.width}×{intrinsics.height}"
            raise FitError(
                f"photo is {image.width}×{image.height}, its camera {expected}",
                path=frame.image,
                todo="run again with --from poses",
            )
        levels = pyramid(image, max_size, factors, device)
        height, width = levels[1].shape[:2]
        photos.append(Photo(frame.name, frame.camera.resized(width, height), levels))
    return photos


def pyramid(
    image: Image.Image,
    max_size: int,  # of the long side [pixels]
    factors: tuple[int, ...],
    device: torch.device | str,
) -> dict[int, Tensor]:  # (H, W, 3) uint8 by factor
    """The image reduced to ``max_size``, and that further by each factor (area averages)."""
    shrink = max(1.0, max(image.size) / max_size)
    levels = {}
    for factor in factors:
        size = max(1, round(image.width / shrink / factor)), max(1, round(image.height / shrink / factor))
        small = image if size == image.size else image.resize(size, Image.Resampling.BOX)
        levels[factor] = torch.from_numpy(np.array(small)).to(device)
    return levels
