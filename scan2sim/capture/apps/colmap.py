"""COLMAP models: cameras and poses of pictures, in text or binary, beside a folder of them.

Everything is our own small parser, because COLMAP's own loops and takes gigabytes on damaged files: counts are checked
against what the file can hold before anything is read (format: colmap.github.io, "Output Format").  Points are not
taken over: the poses stage finds them anew in the photos.  A model is in any unit and any orientation.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Distortion, Intrinsics
from scan2sim.capture.apps.numbers import array_of, pinhole, pose_of_quaternion, shallowest
from scan2sim.capture.apps.photo_files import read_photo_files
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.frames import Capture, DroppedFile
from scan2sim.capture.names import frame_names
from scan2sim.capture.shots import Recording, Shot
from scan2sim.errors import CaptureError
from scan2sim.geometry import inverse_transform
from scan2sim.progress import Reporter

__all__ = ["find_colmap", "read_colmap"]

# id: name, number of focal lengths, number of distortion coefficients
MODELS = {
    0: ("SIMPLE_PINHOLE", 1, 0),
    1: ("PINHOLE", 2, 0),
    2: ("SIMPLE_RADIAL", 1, 1),
    3: ("RADIAL", 1, 2),
    4: ("OPENCV", 2, 4),
    5: ("OPENCV_FISHEYE", 2, 4),
    6: ("FULL_OPENCV", 2, 8),
    8: ("SIMPLE_RADIAL_FISHEYE", 1, 1),
    9: ("RADIAL_FISHEYE", 1, 2),
}
MAX_TEXT_BYTES = 256 << 20
MAX_PICTURES = 20_000
MAX_NAME = 1024
CAMERA_BYTES, IMAGE_BYTES, OBSERVATION_BYTES = 24, 64, 24
TODO = "export the model again from COLMAP"


@dataclass(frozen=True)
class _Lens:
    intrinsics: Intrinsics
    distortion: Distortion | None


@dataclass(frozen=True)
class _Image:
    name: str
    camera: int
    world_from_camera: NDArray[np.float64] | None


def find_colmap(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with ``cameras`` and ``images`` as ``.bin`` or ``.txt``."""
    have = set(files)
    return shallowest(
        [f.parent for f in files if f.stem == "cameras" and f.suffix in (".bin", ".txt") and _images(f) in have]
    )


def _images(cameras: PurePosixPath) -> PurePosixPath:
    return cameras.with_stem("images")


def read_colmap(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read the model in ``root``; its pictures lie in ``images`` beside it or further up.

    Raises:
        CaptureError: the model is damaged or has a lens that is not known, or too few pictures can be used.
    """
    binary = (root / "cameras.bin").is_file() and (root / "images.bin").is_file()
    if binary:
        lenses, images = _binary_cameras(root / "cameras.bin"), _binary_images(root / "images.bin")
    else:
        lenses, images = _text_cameras(root / "cameras.txt"), _text_images(root / "images.txt")
    images.sort(key=lambda image: image.name)
    base = _pictures_folder(root, images)
    shots, files, dropped = [], [], []
    names = frame_names([(PurePosixPath(image.name), "jpeg") for image in images])
    for image, name in zip(images, names, strict=True):
        file = (base / image.name).resolve()
        lens = lenses.get(image.camera)
        if not file.is_relative_to(base.resolve()):
            dropped.append(DroppedFile(image.name, "lies outside the folder of pictures"))
        elif not file.is_file():
            dropped.append(DroppedFile(image.name, "is missing"))
        elif lens is None:
            dropped.append(DroppedFile(image.name, f"its camera {image.camera} is not in the model"))
        else:
            pose = image.world_from_camera
            shots.append(Shot(name, None, lens.intrinsics, pose, distortion=lens.distortion))
            files.append(file)
    recording = Recording("colmap", root, tuple(shots), None, tuple(dropped))
    with Decoder(config) as decoder:
        return read_photo_files(recording, files, folder, config, decoder, report, choose=False)


def _pictures_folder(model: Path, images: list[_Image]) -> Path:
    """``images`` beside the model or at most three folders up, or there the folder itself."""
    above = [model, *model.parents][:4]
    for folder in [place for up in above for place in (up / "images", up)]:
        if any((folder / image.name).is_file() for image in images[:50]):
            return folder
    todo = "put the pictures in a folder “images” beside the model's folder"
    raise CaptureError(f"none of the model's {len(images)} pictures was found", path=model, todo=todo)


def _lens(model: str, counts: tuple[int, int], size: tuple[int, int], values: Sequence[float], path: Path) -> _Lens:
    focals, coefficients = counts
    if len(values) != focals + 2 + coefficients:
        raise CaptureError(f"a camera {model} with {len(values)} parameters", path=path, todo=TODO)
    numbers = [float(v) for v in array_of(list(values), (len(values),), "parameters", path)]
    fx, fy = numbers[0], numbers[focals - 1]
    intrinsics = pinhole(size, (fx, fy, *numbers[focals : focals + 2]), path)
    return _Lens(intrinsics, Distortion(model, tuple(numbers[focals + 2 :])) if coefficients else None)


def _image(name: str, camera: int, values: Sequence[float]) -> _Image:
    """From the rotation (w, x, y, z) and translation of camera_from_world."""
    w, x, y, z = values[:4]
    pose = pose_of_quaternion(np.array([x, y, z, w]), np.array(values[4:7]))
    return _Image(name, camera, None if pose is None else inverse_transform(pose))


def _binary_cameras(path: Path) -> dict[int, _Lens]:
    lenses = {}
    with path.open("rb") as file:
        data = file.read(1 << 24)
    try:
        (count,) = struct.unpack_from("<Q", data)
        if count * CAMERA_BYTES > len(data):
            raise CaptureError(f"promises {count} cameras in {len(data)} bytes", path=path, todo=TODO)
        at = 8
        for _ in range(count):
            number, kind, width, height = struct.unpack_from("<IiQQ", data, at)
            if kind not in MODELS:
                raise CaptureError(f"camera model {kind} is not known", path=path, todo="undistort the model in COLMAP")
            model, focals, coefficients = MODELS[kind]
            values = struct.unpack_from(f"<{focals + 2 + coefficients}d", data, at + CAMERA_BYTES)
            lenses[number] = _lens(model, (focals, coefficients), (width, height), values, path)
            at += CAMERA_BYTES + 8 * len(values)
    except struct.error:
        raise CaptureError("cut off", path=path, todo=TODO) from None
    return lenses


def _binary_images(path: Path) -> list[_Image]:
    if path.stat().st_size < 8:
        raise CaptureError("cut off", path=path, todo=TODO)
    images = []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (count,) = struct.unpack_from("<Q", data)
        if count * (IMAGE_BYTES + 9) > len(data) or count > MAX_PICTURES:
            raise CaptureError(f"promises {count} images in {len(data)} bytes", path=path, todo=TODO)
        at = 8
        try:
            for _ in range(count):
                values = struct.unpack_from("<I7dI", data, at)
                end = data.find(b"\0", at + IMAGE_BYTES, at + IMAGE_BYTES + MAX_NAME)
                if end < 0:
                    raise CaptureError("an image without a name", path=path, todo=TODO)
                name = data[at + IMAGE_BYTES : end].decode("utf-8", "replace")
                (points,) = struct.unpack_from("<Q", data, end + 1)
                at = end + 9 + points * OBSERVATION_BYTES
                if at > len(data):
                    raise CaptureError(f"cut off in {name}", path=path, todo=TODO)
                images.append(_image(name, values[8], values[1:8]))
        except struct.error:
            raise CaptureError("cut off", path=path, todo=TODO) from None
    return images


def _text_cameras(path: Path) -> dict[int, _Lens]:
    lenses = {}
    known = {model: (focals, coefficients) for model, focals, coefficients in MODELS.values()}
    for line in _lines(path):
        cells = line.split()
        if not cells or line.startswith("#"):
            continue
        try:
            number, model, width, height, *values = cells
            size, numbers = (int(width), int(height)), [float(value) for value in values]
            key = int(number)
        except ValueError:
            raise CaptureError(f"this is no camera: {line[:60].strip()}", path=path, todo=TODO) from None
        if model not in known:
            raise CaptureError(
                f"camera model {model[:40]} is not known", path=path, todo="undistort the model in COLMAP"
            )
        lenses[key] = _lens(model, known[model], size, numbers, path)
    return lenses


def _text_images(path: Path) -> list[_Image]:
    images = []
    observations = False  # of the two lines of each image the second holds these, and may be empty
    for line in _lines(path):
        if line.startswith("#"):
            continue
        if observations or not line.strip():
            observations = False
            continue
        cells = line.split(maxsplit=9)
        try:
            values, camera, name = [float(value) for value in cells[1:8]], int(cells[8]), cells[9].strip()
        except (ValueError, IndexError):
            raise CaptureError(f"this is no image: {line[:60].strip()}", path=path, todo=TODO) from None
        if len(name) > MAX_NAME or "\0" in name or len(images) >= MAX_PICTURES:
            raise CaptureError("too many images, or names too long", path=path, todo=TODO)
        images.append(_image(name, camera, values))
        observations = True
    return images


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise CaptureError(f"larger than {MAX_TEXT_BYTES >> 20} MiB", path=path, todo="export it as binary")
    return path.read_text(encoding="utf-8", errors="replace").split("\n")
