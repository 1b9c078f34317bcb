"""Scores of frames: sharpness, exposure, similarity to earlier frames; and the flags that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture.frames import Frame

__all__ = ["FrameScores", "mark_frames", "score_luma", "score_pixels"]

WORK_WIDTH = 640
THUMBNAIL = 32
BLURRED_BELOW = 0.25  # of the capture's median sharpness
DARK_BELOW, BRIGHT_ABOVE = 0.08, 0.92
NEAR_DUPLICATE_ABOVE = 0.99


@dataclass(frozen=True)
class FrameScores:
    """What one frame's luma tells."""

    sharpness: float  # variance of the Laplacian of the 8-bit luma at 640 px width
    exposure: float  # mean luma in 0..1
    thumbnail: NDArray[np.float32]  # (1024,) luma at 32×32, mean 0, norm 1


def score_pixels(pixels: NDArray[np.uint8]) -> FrameScores:  # (H, W, 3)
    """Scores of an RGB image."""
    image = Image.fromarray(pixels).convert("L")
    height = max(3, round(image.height * WORK_WIDTH / image.width))
    return score_luma(np.asarray(image.resize((WORK_WIDTH, height), Image.Resampling.BILINEAR)))


def score_luma(luma: NDArray[np.uint8]) -> FrameScores:  # (H, 640)
    """Scores of a frame's luma at 640 px width."""
    y = luma.astype(np.float32)
    laplacian = y[1:-1, :-2] + y[1:-1, 2:] + y[:-2, 1:-1] + y[2:, 1:-1] - 4 * y[1:-1, 1:-1]
    small = Image.fromarray(luma).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    thumbnail = np.asarray(small, dtype=np.float32).ravel()
    thumbnail = thumbnail - thumbnail.mean()
    norm = float(np.linalg.norm(thumbnail))
    if norm > 0:
        thumbnail /= norm
    return FrameScores(float(laplacian.var()), float(y.mean()) / 255, thumbnail)


def mark_frames(frames: list[Frame], scores: list[FrameScores]) -> tuple[Frame, ...]:
    """The frames with their similarity to earlier ones and the flags a person should know; nothing is dropped."""
    median = float(np.median([score.sharpness for score in scores]))
    thumbnails = np.stack([score.thumbnail for score in scores])
    marked = []
    for i, (frame, score) in enumerate(zip(frames, scores, strict=True)):
        correlation = thumbnails[:i] @ thumbnails[i]
        nearest = int(np.argmax(correlation)) if i else 0
        similarity = float(np.clip(correlation[nearest], 0.0, 1.0)) if i else 0.0
        flags = []
        if score.sharpness < BLURRED_BELOW * median:
            flags.append("blurred")
        if score.exposure < DARK_BELOW:
            flags.append("dark")
        if score.exposure > BRIGHT_ABOVE:
            flags.append("bright")
        if similarity > NEAR_DUPLICATE_ABOVE:
            flags.append(f"near-duplicate of {frames[nearest].name}")
        marked.append(replace(frame, similarity=similarity, flags=tuple(flags)))
    return tuple(marked)
