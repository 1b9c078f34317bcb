"""Record3D recordings (``.r3d``, a zip): colour, LiDAR depth, confidence and ARKit poses of an iPhone or iPad.

``metadata`` is JSON: ``w, h`` and ``K`` (3×3, column by column) of the pictures, ``dw, dh`` of the depth, ``poses`` as
(qx, qy, qz, qw, x, y, z) of ``world_from_camera`` in OpenGL's axes, ``initPose`` alike, ``frameTimestamps`` [s], and in
newer files ``perFrameIntrinsicCoeffs`` (fx, fy, cx, cy).  ``rgbd/N.jpg`` are the pictures, ``rgbd/N.depth`` float32
metres and ``rgbd/N.conf`` bytes 0 to 2, both compressed with LZFSE (the app's author in the issues of its repository,
numbers 27, 33, 36 and 64).  Poses are relative to the first camera, and ``initPose`` tells how that was held; where it
does not, down is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.capture.apps.numbers import (
    array_of,
    opencv_from_opengl,
    pinhole,
    pose_of_quaternion,
    read_object,
    shallowest,
)
from scan2sim.capture.apps.photo_files import read_photo_files
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile
from scan2sim.capture.shots import Map, Recording, Shot
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["find_record3d", "read_record3d"]

SOURCE = "record3d"
HELD_LEVEL = 0.01  # [rad] a camera turned less than this against the world was not measured against gravity
TODO = "export the recording again from Record3D (Library, Export, Shareable/Internal format .r3d)"


def find_record3d(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with ``metadata`` beside ``rgbd/``."""
    names = {file.parent for file in files if file.name == "metadata"}
    return shallowest([folder for folder in names if any(file.parent == folder / "rgbd" for file in files)])


def read_record3d(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read an unpacked recording.

    Raises:
        CaptureError: its metadata is damaged, or too few pictures can be used.
    """
    path = root / "metadata"
    data = read_object(path)
    pictures = {int(file.stem): file for file in (root / "rgbd").glob("*.jpg") if file.stem.isdecimal()}
    poses, down = _poses(data, path)
    times = array_of(data["frameTimestamps"], (-1,), "frameTimestamps", path) if data.get("frameTimestamps") else None
    coefficients = data.get("perFrameIntrinsicCoeffs") or None
    if coefficients is not None:
        coefficients = array_of(coefficients, (-1, 4), "perFrameIntrinsicCoeffs", path)
    shared = array_of(data.get("K"), (9,), "K", path)[[0, 4, 6, 7]]
    size = data.get("w"), data.get("h")
    warnings = []
    count = len(poses) or (max(pictures, default=-1) + 1)
    missing = [i for i in range(count) if i not in pictures]
    if missing:
        warnings.append(
            f"{len(missing)} of {count} pictures are missing: the recording was cut short, or copied in part"
        )
    with Decoder(config) as decoder:
        depth_size = (data.get("dw"), data.get("dh"))
        shots, files = [], []
        for number in sorted(i for i in pictures if i < count):
            own = coefficients[number] if coefficients is not None and number < len(coefficients) else shared
            file = pictures[number]
            shots.append(
                Shot(
                    f"{root.name if root.name != '.unpacked' else SOURCE}-{number:06d}.jpg",
                    float(times[number]) if times is not None and number < len(times) else None,
                    pinhole(size, own, path),
                    poses[number] if number < len(poses) else None,
                    _map(file.with_suffix(".depth"), depth_size, np.float32, decoder, path),
                    _map(file.with_suffix(".conf"), depth_size, np.uint8, decoder, path),
                )
            )
            files.append(file)
        extra = [DroppedFile(f"rgbd/{i}.jpg", "has no pose") for i in sorted(pictures) if i >= count]
        recording = Recording(SOURCE, root, tuple(shots), down, tuple(extra), tuple(warnings))
        return read_photo_files(recording, files, folder, config, decoder, report, choose=True)


def _poses(
    data: dict[str, Any], path: Path
) -> tuple[list[NDArray[np.float64] | None], tuple[float, float, float] | None]:  # poses, down in their world
    """OpenCV poses in one world; y is up in it if the recording tells how the first camera was held.

    Recordings of the selfie camera hold the same pose for all frames, which is as good as none.
    """
    rows = array_of(data.get("poses") or np.empty((0, 7)), (-1, 7), "poses", path)
    if len(rows) < 2 or np.ptp(rows, axis=0).max() < 1e-6:
        return [None] * len(rows), None
    poses = [pose_of_quaternion(row[:4], row[4:]) for row in rows]
    first = next((pose for pose in poses if pose is not None), None)
    start = np.eye(4)
    if first is not None and _is_level(first):  # relative to the first camera
        row = array_of(data.get("initPose") or [0, 0, 0, 1, 0, 0, 0], (7,), "initPose", path)
        start = pose_of_quaternion(row[:4], row[4:])
        if start is None:
            raise CaptureError("“initPose” is no pose", path=path, todo=TODO)
    known = first is not None and not _is_level(start @ first)
    turned = [None if pose is None else opencv_from_opengl(start @ pose) for pose in poses]
    return turned, (0.0, -1.0, 0.0) if known else None


def _is_level(pose: NDArray[np.float64]) -> bool:
    return bool(np.abs(pose[:3, :3] - np.eye(3)).max() < HELD_LEVEL)


def _map(path: Path, size: tuple[Any, Any], kind: type, decoder: Decoder, metadata: Path) -> Map | None:
    if not path.is_file():
        return None

    def read() -> NDArray[Any]:
        width, height = (int(side) for side in array_of(size, (2,), "dw and dh", metadata))
        if not (0 < width <= 4096 and 0 < height <= 4096):
            raise CaptureError(f"depth of {width}×{height}", path=metadata, todo=TODO)
        data = decoder.lzfse(path, width * height * np.dtype(kind).itemsize)
        return np.frombuffer(data, dtype=kind).reshape(height, width)

    return read
