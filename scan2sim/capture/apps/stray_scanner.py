"""Stray Scanner recordings: a video, LiDAR depth, confidence and ARKit poses of an iPhone or iPad.

``rgb.mp4`` holds the pictures as the sensor lies; ``odometry.csv`` one row for each of them (timestamp, frame, x, y, z,
qx, qy, qz, qw) of ``world_from_camera`` in OpenCV's axes, in ARKit's world with y up; ``camera_matrix.csv`` the 3×3
intrinsics, newer rows of the odometry also fx, fy, cx, cy; ``depth/NNNNNN.png`` 16-bit millimetres and
``confidence/NNNNNN.png`` 0 to 2 (docs/format.md of the app's repository).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from scan2sim.capture.apps.maps import png_confidence, png_depth
from scan2sim.capture.apps.numbers import pinhole, pose_of_quaternion, read_table, shallowest
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile
from scan2sim.capture.names import video_frame_name
from scan2sim.capture.shots import Picture, Recording, Shot, choose_shots, steady_clock, write_shots
from scan2sim.capture.video import ScoredVideo, score_video, video_pictures
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["find_stray_scanner", "read_shots", "read_stray_scanner"]

SOURCE = "stray-scanner"
COLUMNS = ("timestamp", "frame", "x", "y", "z", "qx", "qy", "qz", "qw")
MAX_FRAME = 10_000_000
LATEST = 1e12  # [s] what is later was no clock
TODO = "export the recording again from Stray Scanner"


def find_stray_scanner(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with ``odometry.csv`` beside ``rgb.mp4``."""
    have = set(files)
    return shallowest([f.parent for f in files if f.name == "odometry.csv" and f.parent / "rgb.mp4" in have])


def read_stray_scanner(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read a recording.

    Raises:
        CaptureError: a file is damaged, or too few pictures can be used.
    """
    with Decoder(config) as decoder:
        video = score_video(root / "rgb.mp4", decoder, config, report, upright=False)
        count = len(video.times)
        shots, poses = read_shots(root, video.size, count)
        warnings = list(video.warnings)
        if poses != count:
            warnings.append(f"{count} pictures but {poses} poses; the rest is not used")
        recording = steady_clock(Recording(SOURCE, root, shots, (0.0, -1.0, 0.0), warnings=tuple(warnings)))
        scores = {i: video.scores[i] for i in range(len(shots))}
        chosen = choose_shots(recording, scores, config.max_frames)
        unused = DroppedFile("rgb.mp4", f"{count - len(chosen)} of {count} video frames not needed")
        recording = replace(recording, dropped=(unused,))
        pictures = _pictures(video, chosen, decoder, config)
        return write_shots(recording, pictures, folder, config, report, len(chosen))


def read_shots(root: Path, size: tuple[int, int], count: int) -> tuple[tuple[Shot, ...], int]:
    """What the tables say about the first ``count`` pictures of this size, and the number of their rows.

    Raises:
        CaptureError: a table is damaged.
    """
    path, matrix_path = root / "odometry.csv", root / "camera_matrix.csv"
    names, rows = read_table(path)
    columns = {name: rows[:, i] for i, name in enumerate(names or COLUMNS[: rows.shape[1]])}
    if not set(COLUMNS) <= set(columns):
        raise CaptureError(f"no columns {', '.join(COLUMNS)}", path=path, todo=TODO)
    _, matrix = read_table(matrix_path)
    if matrix.shape != (3, 3):
        raise CaptureError("not a 3×3 matrix", path=matrix_path, todo=TODO)
    shots = []
    for i in range(min(len(rows), count)):
        row = {name: column[i] for name, column in columns.items()}
        own = [row.get(key, default) for key, default in zip(("fx", "fy", "cx", "cy"), _shared(matrix), strict=True)]
        frame = f"{int(row['frame']):06d}.png" if 0 <= row["frame"] < MAX_FRAME else "none"
        xyzw, position = np.array([row[key] for key in COLUMNS[5:]]), np.array([row[key] for key in COLUMNS[2:5]])
        shots.append(
            Shot(
                video_frame_name(root / "rgb.mp4", i),
                float(row["timestamp"]) if abs(row["timestamp"]) < LATEST else None,
                pinhole(size, own, path if "fx" in columns else matrix_path),
                pose_of_quaternion(xyzw, position),
                png_depth(root / "depth" / frame),
                png_confidence(root / "confidence" / frame),
            )
        )
    return tuple(shots), len(rows)


def _shared(matrix: np.ndarray) -> tuple[float, float, float, float]:
    return matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]


def _pictures(
    video: ScoredVideo, chosen: list[int], decoder: Decoder, config: CaptureConfig
) -> Iterator[tuple[int, Picture]]:
    for number, image in video_pictures(video, chosen, decoder, config):
        yield number, Picture(image, video.size, video.scores[number])
