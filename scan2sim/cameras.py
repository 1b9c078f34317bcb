"""Pinhole cameras and the file format ``cameras.json``.

Cameras are OpenCV cameras: x right, y down, z forward.  Pixel coordinates put the centre of the top-left pixel
at (0.5, 0.5), as COLMAP and gsplat do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import PosesError
from scan2sim.files import read_json, write_json

__all__ = ["Camera", "CameraFrame", "Distortion", "Intrinsics", "read_cameras", "write_cameras"]

MAX_FRAMES = 100_000


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera's image size and projection [pixels]."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3×3 matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def resized(self, width: int, height: int) -> Intrinsics:
        """The same camera seen through an image resized to ``width`` × ``height``."""
        sx, sy = width / self.width, height / self.height
        return Intrinsics(width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy)


@dataclass(frozen=True)
class Camera:
    """A posed pinhole camera."""

    intrinsics: Intrinsics
    world_from_camera: NDArray[np.float64]  # (4, 4), OpenCV, translation in metres

    @property
    def position(self) -> NDArray[np.float64]:
        """The camera's centre in the world, (3,) [m]."""
        return self.world_from_camera[:3, 3]

    def resized(self, width: int, height: int) -> Camera:
        """The same camera with another image size."""
        return replace(self, intrinsics=self.intrinsics.resized(width, height))

    def project(
        self,
        points: NDArray[Any],  # (N, 3) [m], world
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # pixels (N, 2), depth along z (N,) [m]
        """Project world points; points behind the camera have a depth ≤ 0 and meaningless pixels."""
        rotation, centre = self.world_from_camera[:3, :3], self.world_from_camera[:3, 3]
        in_camera = (np.asarray(points, dtype=np.float64) - centre) @ rotation
        z = in_camera[:, 2]
        safe = np.where(np.abs(z) < 1e-12, 1e-12, z)[:, None]
        k = self.intrinsics
        return in_camera[:, :2] / safe * [k.fx, k.fy] + [k.cx, k.cy], z


@dataclass(frozen=True)
class Distortion:
    """Lens distortion of a photo that has not been undistorted yet, in COLMAP's camera model names."""

    model: str  # e.g. SIMPLE_RADIAL, OPENCV
    params: tuple[float, ...]  # the model's distortion coefficients, without focal lengths and centre


@dataclass(frozen=True)
class CameraFrame:
    """One entry of ``cameras.json``."""

    file: str  # image path relative to the cameras file
    camera: Camera
    distortion: Distortion | None = None


def read_cameras(path: Path) -> tuple[CameraFrame, ...]:
    """Read ``cameras.json`` (also the truth files of the captures).

    Raises:
        PosesError: the file is missing, no valid JSON, or a frame lacks a proper intrinsics or pose.
    """
    data = read_json(path, PosesError)
    if not isinstance(data, dict) or not isinstance(data.get("frames"), list) or not data["frames"]:
        raise PosesError("no list “frames” in the cameras file", path=path, todo="see docs/scene-format.md")
    if len(data["frames"]) > MAX_FRAMES:
        raise PosesError(f"{len(data['frames'])} frames; at most {MAX_FRAMES} are read", path=path)
    shared = data.get("intrinsics")
    frames = []
    for i, entry in enumerate(data["frames"]):
        try:
            own = entry.get("intrinsics") or shared or {}
            intrinsics = Intrinsics(
                int(own["width"]), int(own["height"]), *(float(own[k]) for k in ("fx", "fy", "cx", "cy"))
            )
            pose = np.array(entry["world_from_camera"], dtype=np.float64)
            lens = entry.get("distortion")
            distortion = lens and Distortion(str(lens["model"]), tuple(float(p) for p in lens["params"]))
            frame = CameraFrame(str(entry["file"]), Camera(intrinsics, pose), distortion or None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PosesError(
                f"frame {i} is not complete ({error})", path=path, todo="see docs/scene-format.md"
            ) from error
        _check(frame, i, path)
        frames.append(frame)
    return tuple(frames)


def _check(frame: CameraFrame, index: int, path: Path) -> None:
    k, pose = frame.camera.intrinsics, frame.camera.world_from_camera
    if not (0 < k.width <= 65535 and 0 < k.height <= 65535 and k.fx > 0 and k.fy > 0):
        raise PosesError(f"frame {index} ({frame.file}) has impossible intrinsics {k}", path=path)
    if pose.shape != (4, 4) or not np.isfinite(pose).all() or not np.isfinite(k.matrix).all():
        raise PosesError(f"frame {index} ({frame.file}): world_from_camera is not a finite 4×4 matrix", path=path)
    rotation = pose[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise PosesError(f"frame {index} ({frame.file}): world_from_camera holds no rotation", path=path)


def write_cameras(path: Path, frames: tuple[CameraFrame, ...]) -> None:
    """Write ``cameras.json``; intrinsics shared by all frames are written once."""
    common = frames[0].camera.intrinsics if frames else None
    entries = []
    for frame in frames:
        entry: dict[str, Any] = {"file": frame.file, "world_from_camera": frame.camera.world_from_camera.tolist()}
        if frame.camera.intrinsics != common:
            entry["intrinsics"] = vars(frame.camera.intrinsics)
        if frame.distortion:
            entry["distortion"] = {"model": frame.distortion.model, "params": list(frame.distortion.params)}
        entries.append(entry)
    write_json(path, {"intrinsics": vars(common) if common else None, "frames": entries})
