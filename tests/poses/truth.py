"""Solved cameras held against true ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scan2sim.cameras import CameraFrame
from scan2sim.geometry import similarity_between
from scan2sim.poses import PosedCapture


@dataclass(frozen=True)
class Deviation:
    """After the best similarity between the camera centres."""

    position: float  # [m] largest error of a camera's centre
    angle: float  # [degrees] largest error of a camera's rotation
    up: float  # [degrees] between the scene's z and true up
    height: float  # [m] of the scene's origin over the true support
    scale: float  # true metres per metre of the guess


def deviation(posed: PosedCapture, truth: list[CameraFrame]) -> Deviation:
    """How far a solution is from the truth, camera by camera."""
    solved = np.array([frame.camera.position for frame in posed.frames])
    true = np.array([entry.camera.position for entry in truth])
    scale, rotation, shift = similarity_between(solved, true)
    angles = []
    for frame, entry in zip(posed.frames, truth, strict=True):
        turn = entry.camera.world_from_camera[:3, :3].T @ rotation @ frame.camera.world_from_camera[:3, :3]
        angles.append(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    return Deviation(
        float(np.linalg.norm(scale * solved @ rotation.T + shift - true, axis=1).max()),
        float(max(angles)),
        float(np.degrees(np.arccos(np.clip(rotation[2, 2], -1, 1)))),
        float(abs(shift[2])),
        scale,
    )
