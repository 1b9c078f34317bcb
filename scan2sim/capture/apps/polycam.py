"""Polycam's raw data (developer mode): keyframes with ARKit cameras, corrected by the app, and LiDAR depth.

``keyframes/images/T.jpg`` with ``keyframes/cameras/T.json`` (fx, fy, cx, cy, width, height, and ``t_00`` to ``t_23``,
the first three rows of ``world_from_camera`` in OpenGL's axes, y up), T a timestamp in microseconds; better ones in
``corrected_images`` (undistorted) and ``corrected_cameras``; ``depth/T.png`` 16-bit millimetres and
``confidence/T.png`` with 0, 127, 255, in LiDAR mode only (README of Polycam's polyform).  Without depth it is photo
mode, whose poses need not be metric nor level.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from scan2sim.capture.apps.maps import png_confidence, png_depth
from scan2sim.capture.apps.numbers import (
    array_of,
    opencv_from_opengl,
    pinhole,
    proper_pose,
    read_object,
    shallowest,
)
from scan2sim.capture.apps.photo_files import read_photo_files
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile
from scan2sim.capture.shots import Recording, Shot
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["find_polycam", "read_polycam"]

LIDAR, PHOTO = "polycam", "polycam-photo"
MICROSECOND = 1e-6


def find_polycam(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with ``keyframes/images`` and ``keyframes/cameras`` or ``keyframes/corrected_cameras``."""
    folders = {file.parent for file in files}
    starts = [f.parent.parent for f in folders if f.name == "images" and f.parent.name == "keyframes"]
    cameras = ("cameras", "corrected_cameras")
    return shallowest([start for start in starts if any(start / "keyframes" / name in folders for name in cameras)])


def read_polycam(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read raw data.

    Raises:
        CaptureError: too few keyframes can be used.
    """
    keyframes = root / "keyframes"
    shots, files, dropped = [], [], []
    corrected = 0
    for image in sorted((keyframes / "images").glob("*.jpg"), key=lambda file: (len(file.stem), file.stem)):
        stem = image.stem
        better = keyframes / "corrected_cameras" / f"{stem}.json"
        straight = keyframes / "corrected_images" / image.name
        camera = better if better.is_file() else keyframes / "cameras" / f"{stem}.json"
        try:
            shots.append(_shot(keyframes, stem, camera))
        except CaptureError as error:
            dropped.append(DroppedFile(f"keyframes/images/{image.name}", f"{camera.name}: {error.problem}"))
            continue
        corrected += better.is_file()
        files.append(straight if better.is_file() and straight.is_file() else image)
    lidar = any(shot.depth for shot in shots)
    warnings = []
    if shots and corrected < len(shots):
        warnings.append(f"{len(shots) - corrected} of {len(shots)} keyframes have no corrected camera; ARKit's is used")
    down = (0.0, -1.0, 0.0) if lidar else None
    source = LIDAR if lidar else PHOTO
    recording = Recording(source, root, tuple(shots), down, tuple(dropped), tuple(warnings))
    with Decoder(config) as decoder:
        return read_photo_files(recording, files, folder, config, decoder, report, choose=True)


def _shot(keyframes: Path, stem: str, path: Path) -> Shot:
    data = read_object(path)
    size = data.get("width"), data.get("height")
    coefficients = [data.get(key) for key in ("fx", "fy", "cx", "cy")]
    matrix = [[data.get(f"t_{row}{column}") for column in range(4)] for row in range(3)]
    return Shot(
        f"polycam-{stem}.jpg",
        int(stem) * MICROSECOND if stem.isdecimal() and len(stem) < 19 else None,
        pinhole(size, coefficients, path),
        opencv_from_opengl(proper_pose(array_of(matrix, (3, 4), "t_00 to t_23", path))),
        png_depth(keyframes / "depth" / f"{stem}.png"),
        png_confidence(keyframes / "confidence" / f"{stem}.png", levels=(64, 192)),
    )
