"""What a capture is once it has been read: frames, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Distortion, Intrinsics

__all__ = ["Capture", "DroppedFile", "Frame"]

TRACKED = ("record3d", "stray-scanner", "polycam", "arkit")


@dataclass(frozen=True)
class Frame:
    """One upright photo or video frame on disk, with what is known about it."""

    image: Path  # a JPEG or PNG, upright, RGB
    name: str  # unique within the capture; keeps the photo's own name, video frames are <video>-000123
    width: int
    height: int
    time: float | None  # seconds since the capture's start, None if unknown
    sharpness: float  # variance of the Laplacian of the 8-bit luma at 640 px width; higher is sharper
    exposure: float  # mean luma in 0..1
    similarity: float  # to the most similar earlier frame, in 0..1; 1 = the same picture
    flags: tuple[str, ...] = ()  # e.g. "blurred", "dark", "near-duplicate of IMG_1": marked, not dropped
    focal_length: float | None = None  # [pixels] from EXIF, None if unknown
    intrinsics: Intrinsics | None = None  # of this image, from a sensor or a cameras file
    world_from_camera: NDArray[np.float64] | None = None  # (4, 4) OpenCV, in the source's own world
    depth: Path | None = None  # .npy float32 (h, w) [m] along z, 0 = unknown; h/w as the image's, but smaller
    confidence: Path | None = None  # .npy uint8 (h, w) like the depth: 0 low, 1 medium, 2 high, as ARKit
    gravity: tuple[float, float, float] | None = None  # unit vector that points down, in camera coordinates
    distortion: Distortion | None = None  # of the lens that `intrinsics` belong to


@dataclass(frozen=True)
class DroppedFile:
    """A file or video frame that is not used."""

    name: str
    reason: str


@dataclass(frozen=True)
class Capture:
    """Everything that one upload holds."""

    frames: tuple[Frame, ...]
    source: str  # photos, video, record3d, stray-scanner, polycam, polycam-photo, arkit, nerfstudio, colmap or splats
    dropped: tuple[DroppedFile, ...] = ()
    device: str | None = None  # only with CaptureConfig.keep_private
    licence: str | None = None
    warnings: tuple[str, ...] = ()  # what is odd about the whole, one sentence each

    @property
    def tracked(self) -> bool:
        """Whether a phone tracked the frames' poses: in metres, y up; datasets have any unit and any axes."""
        return self.source in TRACKED
