"""ARKit recordings with one JSON file for each frame, as 3D Scanner App exports them ("All Data").

``frame_NNNNN.json`` holds ``cameraPoseARFrame`` (16 numbers, row by row: ``world_from_camera`` in OpenGL's axes, y up),
``intrinsics`` (9 numbers, row by row) and ``time`` [s]; beside it lie ``frame_NNNNN.jpg`` (not for all),
``depth_NNNNN.png`` in 16-bit millimetres and ``conf_NNNNN.png`` with 0 to 2.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile

from scan2sim.cameras import Intrinsics
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

__all__ = ["find_arkit_frames", "read_arkit_frames"]

NAME = re.compile(r"frame_(\d{1,9})")
CENTRED = 0.1  # the principal point lies so near the middle, relative to the picture's size


def find_arkit_frames(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with pairs of ``frame_N.jpg`` and ``frame_N.json`` that hold ARKit's cameras."""
    have = set(files)
    pairs = [f for f in files if NAME.fullmatch(f.stem) and f.suffix == ".jpg" and f.with_suffix(".json") in have]
    place = shallowest([pair.parent for pair in pairs])
    if place is None:
        return None
    first = min(pair for pair in pairs if pair.parent == place)
    try:
        return place if "cameraPoseARFrame" in read_object(root / first.with_suffix(".json")) else None
    except CaptureError:
        return place  # damaged: reading says so


def read_arkit_frames(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read a recording.

    Raises:
        CaptureError: too few frames can be used.
    """
    shots, files, dropped = [], [], []
    for image in sorted(root.glob("frame_*.jpg"), key=lambda file: (len(file.stem), file.stem)):
        match = NAME.fullmatch(image.stem)
        if match is None:
            continue
        try:
            shots.append(_shot(image, match[1]))
            files.append(image)
        except CaptureError as error:
            dropped.append(DroppedFile(image.name, error.problem))
    recording = Recording("arkit", root, tuple(shots), (0.0, -1.0, 0.0), tuple(dropped))
    with Decoder(config) as decoder:
        return read_photo_files(recording, files, folder, config, decoder, report, choose=True)


def _shot(image: Path, number: str) -> Shot:
    path = image.with_suffix(".json")
    data = read_object(path)
    matrix = array_of(data.get("cameraPoseARFrame"), (16,), "cameraPoseARFrame", path).reshape(4, 4)
    time = data.get("time")
    return Shot(
        image.name,
        float(array_of(time, (), "time", path)) if time is not None else None,
        _intrinsics(data, image, path),
        opencv_from_opengl(proper_pose(matrix)),
        png_depth(image.with_name(f"depth_{number}.png")),
        png_confidence(image.with_name(f"conf_{number}.png")),
    )


def _intrinsics(data: dict[str, Any], image: Path, path: Path) -> Intrinsics:
    """The file does not say for what size of picture they are: the picture's, or one that they are the middle of."""
    fx, _, cx, _, fy, cy = array_of(data.get("intrinsics"), (9,), "intrinsics", path)[:6]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = JpegImageFile(image).size
    except Exception as problem:  # Pillow raises every kind of exception on damaged files
        raise CaptureError(f"damaged ({problem})", path=image) from problem
    if abs(2 * cx / width - 1) > CENTRED or abs(2 * cy / height - 1) > CENTRED:
        width, height = round(2 * cx), round(2 * cy)
    return pinhole((width, height), (fx, fy, cx, cy), path)
