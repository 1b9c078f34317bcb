"""What the poses room hands on: undistorted photos with cameras in the metric, z-up scene frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera

__all__ = ["Gravity", "PosedCapture", "PosedFrame", "Scale"]


@dataclass(frozen=True)
class Scale:
    """How metres were found."""

    source: str  # arkit | depth | marker | sheet | card | cameras | unit | guess: the surest that was used
    relative_sigma: float  # one standard deviation of the scale factor, relative
    evidence: tuple[dict[str, Any], ...] = ()  # each source's factor against what was believed, sigma, used, details


@dataclass(frozen=True)
class Gravity:
    """How "down" was found."""

    source: str  # imu | arkit | support | cameras | stated | guess: the surest that was used
    sigma_deg: float
    evidence: tuple[dict[str, Any], ...] = ()  # each source's angle to what was believed, sigma, used, details


@dataclass(frozen=True)
class PosedFrame:
    """One undistorted photo with its camera in the scene frame."""

    image: Path
    name: str  # the frame's name in the capture
    camera: Camera
    residual: float  # mean reprojection error of its sparse points [pixels]; nan if unknown
    depth: Path | None = None  # from a sensor, as the photo shows it; see scan2sim.poses.read_depth
    confidence: Path | None = None  # of that depth; see scan2sim.poses.read_confidence


@dataclass(frozen=True)
class PosedCapture:
    """Frames with cameras in the scene frame: metres, z up, origin on the main support under the objects."""

    frames: tuple[PosedFrame, ...]
    points: NDArray[np.float64]  # (P, 3) [m] sparse points
    point_colors: NDArray[np.uint8]  # (P, 3)
    scale: Scale
    gravity: Gravity
    unregistered: tuple[str, ...] = ()  # frames without a pose
    steps: tuple[dict[str, Any], ...] = ()  # what each rung of the ladder gave
    warnings: tuple[str, ...] = ()  # what a person should be told, with what to do
    observations: NDArray[np.int32] | None = None  # (M, 2) index of a frame, index of a point that it sees
    support_normal: tuple[float, float, float] = (0.0, 0.0, 1.0)  # of the main support, through the origin; z if level
    rendered: bool = False  # the pictures were drawn from finished splats, so they prove nothing about these

    @property
    def camera_distance(self) -> float:
        """Median distance from the cameras to the origin of the scene, which is under the subject [m]."""
        return float(np.median([np.linalg.norm(frame.camera.position) for frame in self.frames]))
