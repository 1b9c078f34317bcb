"""The photos as the views of the Gaussians show them: as large, and as bright."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from scan2sim.errors import ObjectsError
from scan2sim.objects.views import View
from scan2sim.poses import PosedFrame
from scan2sim.splats import match_exposure

__all__ = ["exposed_photos"]


def exposed_photos(frames: tuple[PosedFrame, ...], views: list[View]) -> list[Tensor]:  # per view (H, W, 3)
    """Read each view's photo, reduce it and give it the exposure of the view's rendering.

    Where a frame's photo is not on disk, as for Gaussians that came without, the rendering itself is taken.

    Raises:
        ObjectsError: a photo is damaged.
    """
    pictures = []
    for frame, view in zip(frames, views, strict=True):
        if not frame.image.is_file():
            pictures.append(view.color)
            continue
        height, width = view.size
        try:
            with Image.open(frame.image) as file:
                photo = np.array(file.convert("RGB").resize((width, height), Image.Resampling.BOX), np.float32)
        except OSError as problem:
            raise ObjectsError(
                f"photo cannot be read ({problem})", path=frame.image, todo="run again with --from poses"
            ) from None
        pictures.append(match_exposure(torch.from_numpy(photo) / 255, view.color).clamp(0, 1))
    return pictures
