"""A flat table with prints on it, seen by cameras all around: exact truth, drawn without a renderer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.geometry import look_at
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale

Array = NDArray[np.float64]

PINHOLE = Intrinsics(480, 360, 420.0, 420.0, 240.0, 180.0)
TABLE = 1.2  # [m] side
DENSITY = 2000  # texels per metre
FINER = 3  # samples per pixel and side


def around(count: int = 10, radius: float = 0.38, height: float = 0.4) -> list[Camera]:
    """Cameras on a circle [m] that look at the table's middle, none exactly."""
    rng = np.random.default_rng(4)
    cameras = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        eye = np.array([radius * np.cos(angle), radius * np.sin(angle), height]) + rng.normal(0, 0.03, 3)
        cameras.append(Camera(PINHOLE, look_at(eye, rng.normal(0, 0.01, 3))))
    return cameras


def rescaled(camera: Camera, factor: float) -> Camera:
    """The same in a world that is ``factor`` times as large."""
    pose = camera.world_from_camera.copy()
    pose[:3, 3] *= factor
    return Camera(camera.intrinsics, pose)


def blank_table(seed: int = 0) -> NDArray[np.uint8]:  # (N, N, 3)
    """A blotchy table, texels of 0.5 mm."""
    rng = np.random.default_rng(seed)
    side = round(TABLE * DENSITY)
    blotches = cv2.resize(rng.normal(0, 1, (side // 20, side // 20)).astype(np.float32), (side, side))
    return np.clip(105 + 18 * blotches[..., None] + [0, 6, 14], 0, 255).astype(np.uint8)


def lay(table: NDArray[np.uint8], print_: NDArray[np.uint8], size: tuple[float, float], at: Array, yaw: float) -> None:
    """Lay a print of ``size`` [m] onto the table, its middle ``at`` (2,) [m], turned by ``yaw`` [rad]."""
    height, width = print_.shape[:2]
    c, s = np.cos(yaw), np.sin(yaw)
    corners = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) / 2 * size @ np.array([[c, s], [-s, c]]) + at
    texels = np.stack([corners[:, 0] + TABLE / 2, TABLE / 2 - corners[:, 1]], 1) * DENSITY - 0.5
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    turn = cv2.getPerspectiveTransform(own.astype(np.float32), texels.astype(np.float32))
    side = table.shape[0]
    drawn = cv2.warpPerspective(print_, turn, (side, side), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(print_.shape[:2], 255, np.uint8), turn, (side, side))
    table[mask > 127] = drawn[mask > 127]


@dataclass(frozen=True)
class Slab:
    """A thing with upright sides that lies on the table."""

    size: tuple[float, float]  # [m]
    thickness: float  # [m]
    at: tuple[float, float]  # [m] its middle
    yaw: float  # [rad]
    top: tuple[int, int, int]
    side: tuple[int, int, int]

    def covers(self, eye: Array, rays: Array, height: float) -> NDArray[np.bool_]:  # (…, 3) to (…)
        """Which rays from ``eye`` pass through it at a height [m]."""
        flat = eye[:2] + ((height - eye[2]) / rays[..., 2])[..., None] * rays[..., :2] - self.at
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return (np.abs(flat @ np.array([[c, -s], [s, c]])) < np.array(self.size) / 2).all(-1)


def photograph(table: NDArray[np.uint8], camera: Camera, seed: int = 0, slab: Slab | None = None) -> NDArray[np.uint8]:
    """The table as the camera sees it, averaged over each pixel in linear light, with a little noise."""
    k = camera.intrinsics.resized(camera.intrinsics.width * FINER, camera.intrinsics.height * FINER)
    rotation, centre = camera.world_from_camera[:3, :3].T, camera.position
    camera_from_plane = np.stack([rotation[:, 0], rotation[:, 1], -rotation @ centre], 1)
    plane_from_texel = np.array([[1 / DENSITY, 0, -TABLE / 2], [0, -1 / DENSITY, TABLE / 2], [0, 0, 1]])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    homography = np.linalg.inv(half) @ k.matrix @ camera_from_plane @ plane_from_texel @ half
    linear = (table.astype(np.float32) / 255) ** 2.2
    fine = cv2.warpPerspective(linear, homography, (k.width, k.height), borderMode=cv2.BORDER_REPLICATE)
    if slab is not None:
        x, y = np.meshgrid((np.arange(k.width) + 0.5 - k.cx) / k.fx, (np.arange(k.height) + 0.5 - k.cy) / k.fy)
        rays = np.stack([x, y, np.ones_like(x)], -1) @ rotation
        levels = [slab.covers(centre, rays, height) for height in (0.0, slab.thickness)]  # thin: nothing in between
        fine[np.any(levels, axis=0)] = (np.array(slab.side) / 255) ** 2.2
        fine[levels[-1]] = (np.array(slab.top) / 255) ** 2.2
    small = cv2.resize(fine, (camera.intrinsics.width, camera.intrinsics.height), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(seed).normal(0, 1.0, small.shape)
    return np.clip(small ** (1 / 2.2) * 255 + noise, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Shot:
    """Photos of a table and the cameras as structure from motion would give them: of another size."""

    posed: PosedCapture
    factor: float  # true metres per metre of the capture


def shoot(
    table: NDArray[np.uint8], folder: Path, factor: float = 1.25, count: int = 10, slab: Slab | None = None
) -> Shot:
    """Photograph the table all around."""
    frames = []
    for index, camera in enumerate(around(count)):
        path = folder / f"{index:02d}.png"
        Image.fromarray(photograph(table, camera, index, slab)).save(path)
        frames.append(PosedFrame(path, path.name, rescaled(camera, 1 / factor), 0.3))
    points, colors = np.zeros((0, 3)), np.zeros((0, 3), np.uint8)
    return Shot(PosedCapture(tuple(frames), points, colors, Scale("guess", 0.35), Gravity("support", 2.0)), factor)
