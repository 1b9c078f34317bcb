"""The support as it would look from straight above: all photos drawn onto its plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.poses.metric.photos import Photos
from scan2sim.progress import Reporter, silent

__all__ = ["TopView", "draw_top_view"]

SIZE = 1400  # [pixels] of the square picture
REACH = 1.0  # [camera distances] from the origin to its border
MOST_VIEWS = 40
SHALLOW = 0.2  # sine of the elevation below which a view is not used


@dataclass(frozen=True)
class TopView:
    """A picture of the plane z = 0 of the scene."""

    pixels: NDArray[np.uint8]  # (H, W, 3), y downwards
    unit: float  # [m] of the scene per pixel

    def points(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:  # (N, 2) → (N, 3)
        """Points of the scene under pixels of the picture."""
        middle = np.array(self.pixels.shape[1::-1]) / 2
        flat = (np.asarray(pixels, dtype=np.float64) - middle) * [self.unit, -self.unit]
        return np.concatenate([flat, np.zeros((len(flat), 1))], 1)


def draw_top_view(photos: Photos, cameras: Sequence[Camera], report: Reporter = silent) -> TopView:
    """The mean of all photos on the plane z = 0, each at the same brightness; steep views count more."""
    distance = float(np.median([np.linalg.norm(camera.position) for camera in cameras]))
    unit = 2 * REACH * distance / SIZE
    total = np.zeros((SIZE, SIZE, 3), np.float32)
    weight = np.zeros((SIZE, SIZE), np.float32)
    steepness = np.array([camera.position[2] / np.linalg.norm(camera.position) for camera in cameras])
    usable = np.flatnonzero(steepness > SHALLOW)
    chosen = usable[np.linspace(0, len(usable) - 1, min(len(usable), MOST_VIEWS)).round().astype(int)]
    plane_from_pixel = np.array([[unit, 0, -SIZE / 2 * unit], [0, -unit, SIZE / 2 * unit], [0, 0, 1]])
    for number, index in enumerate(chosen.tolist()):
        report("drawing the support from above", number, len(chosen))
        camera = cameras[index]
        rotation, centre = camera.world_from_camera[:3, :3].T, camera.position
        camera_from_plane = np.stack([rotation[:, 0], rotation[:, 1], -rotation @ centre], 1)
        # OpenCV puts the centre of the first pixel at 0, we at ½
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        homography = np.linalg.inv(half) @ camera.intrinsics.matrix @ camera_from_plane @ plane_from_pixel @ half
        photo = photos.color(index)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpPerspective(photo, homography, (SIZE, SIZE), flags=flags)
        mask = cv2.warpPerspective(
            np.ones(photo.shape[:2], np.uint8), homography, (SIZE, SIZE), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        )
        mask = mask.astype(np.float32) * _in_front(homography)
        grey = float(np.median(seen[mask > 0])) if (mask > 0).any() else 0.0
        if grey <= 0:
            continue
        mask *= float(steepness[index]) ** 2
        total += seen * (mask * (100.0 / grey))[..., None]
        weight += mask
    report("drawing the support from above", len(chosen), len(chosen))
    mean = total / np.maximum(weight, 1e-9)[..., None]
    return TopView(np.clip(mean, 0, 255).astype(np.uint8), unit)


def _in_front(homography: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 for pixels of the plane that lie in front of the camera, else 0."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    return (homography[2, 0] * x + homography[2, 1] * y + homography[2, 2] > 0).astype(np.float32)
