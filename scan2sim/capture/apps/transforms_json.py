"""``transforms.json``: nerfstudio's data sets, and NeRFCapture's, which come from ARKit.

``frames`` hold ``file_path`` and ``transform_matrix`` (``world_from_camera`` in OpenGL's axes); intrinsics (``fl_x,
fl_y, cx, cy, w, h`` or ``camera_angle_x``), ``camera_model`` and ``k1 … k4, p1, p2`` stand at the top or in each frame;
``depth_file_path`` names 16-bit PNGs in millimetres or .npy in metres (docs.nerf.studio, "Data conventions").  Poses of
nerfstudio are in any unit and any orientation.  NeRFCapture's frames have a ``timestamp`` and intrinsics each, metres,
y up, paths without a suffix, and ``depth_path`` with steps of ``integer_depth_scale`` metres.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Distortion, Intrinsics
from scan2sim.capture.apps.maps import png_depth
from scan2sim.capture.apps.numbers import (
    TODO,
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
from scan2sim.capture.names import frame_names
from scan2sim.capture.shots import Map, Recording, Shot
from scan2sim.errors import CaptureError
from scan2sim.progress import Reporter

__all__ = ["find_transforms", "read_transforms"]

FILE = "transforms.json"
SUFFIXES = ("", ".png", ".jpg", ".jpeg")
MAX_FRAMES = 20_000
PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL")
MAX_NPY_BYTES = 256 << 20


def find_transforms(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The folder with ``transforms.json``."""
    return shallowest([file.parent for file in files if file.name == FILE])


def read_transforms(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    """Read a data set: all pictures of nerfstudio's, the best ones of a NeRFCapture recording.

    Raises:
        CaptureError: the file is damaged, its camera model is not known, or too few pictures can be used.
    """
    path = root / FILE
    data = read_object(path)
    entries = data.get("frames")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise CaptureError("no list “frames”", path=path, todo=TODO)
    if len(entries) > MAX_FRAMES:
        raise CaptureError(f"{len(entries)} frames; at most {MAX_FRAMES} are read", path=path)
    arkit = all("timestamp" in entry and "fl_x" in entry for entry in entries)
    shots, files, dropped = [], [], []
    places: list[tuple[PurePosixPath, str]] = []
    for i, entry in enumerate(entries):
        try:
            file = _inside(root, entry.get("file_path"), path)
            shots.append(_shot({**data, **entry}, root, file, path))
        except CaptureError as error:
            if error.path == path and "camera model" in error.problem:
                raise
            dropped.append(DroppedFile(f"frame {i} of {FILE}", error.problem))
            continue
        files.append(file)
        places.append((PurePosixPath(file.relative_to(root.resolve()).as_posix()), "jpeg"))
    names = frame_names(places)
    shots = [replace(shot, name=name) for shot, name in zip(shots, names, strict=True)]
    source, down = ("arkit", (0.0, -1.0, 0.0)) if arkit else ("nerfstudio", None)
    recording = Recording(source, root, tuple(shots), down, tuple(dropped))
    with Decoder(config) as decoder:
        return read_photo_files(recording, files, folder, config, decoder, report, choose=arkit)


def _inside(root: Path, name: Any, path: Path) -> Path:
    """The file of that name below ``root``, with or without its suffix."""
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 1000:
        raise CaptureError("no “file_path”", path=path)
    for suffix in SUFFIXES:
        file = (root / (name + suffix)).resolve()
        if not file.is_relative_to(root.resolve()):
            raise CaptureError(f"{name} lies outside the data set", path=path)
        if file.is_file():
            return file
    raise CaptureError(f"{name} is missing", path=path)


def _shot(entry: Mapping[str, Any], root: Path, file: Path, path: Path) -> Shot:
    matrix = array_of(entry.get("transform_matrix"), (-1, 4), "transform_matrix", path)
    if len(matrix) not in (3, 4):
        raise CaptureError("“transform_matrix” is not 4×4", path=path)
    pose = opencv_from_opengl(proper_pose(matrix))
    time = entry.get("timestamp")
    return Shot(
        file.name,
        float(array_of(time, (), "timestamp", path)) if time is not None else None,
        _intrinsics(entry, file, path),
        pose,
        _depth(entry, root, path),
        None,
        _distortion(entry, path),
    )


def _intrinsics(entry: Mapping[str, Any], file: Path, path: Path) -> Intrinsics:
    size = entry.get("w"), entry.get("h")
    if None in size:
        size = _picture_size(file)
    width, height = array_of(size, (2,), "w and h", path)
    fx = entry.get("fl_x")
    if fx is None:
        angle = float(array_of(entry.get("camera_angle_x"), (), "fl_x or camera_angle_x", path))
        if not 0 < angle < math.pi:
            raise CaptureError(f"“camera_angle_x” is {angle:g}", path=path)
        fx = width / 2 / math.tan(angle / 2)
    middle = {"fl_y": fx, "cx": width / 2, "cy": height / 2}
    return pinhole((width, height), [fx, *(entry.get(key, middle[key]) for key in ("fl_y", "cx", "cy"))], path)


def _distortion(entry: Mapping[str, Any], path: Path) -> Distortion | None:
    """In COLMAP's models; the third radial term of nerfstudio's OPENCV makes it COLMAP's FULL_OPENCV."""
    model = str(entry.get("camera_model", "OPENCV"))
    values = [entry.get(key) or 0.0 for key in ("k1", "k2", "p1", "p2", "k3", "k4")]
    k1, k2, p1, p2, k3, k4 = (float(v) for v in array_of(values, (6,), "k1, k2, p1, p2, k3, k4", path))
    if model == "OPENCV_FISHEYE":
        return Distortion(model, (k1, k2, k3, k4))
    if model not in PINHOLES:
        problem = f"camera model {model[:40]}; known are {', '.join(PINHOLES)} and OPENCV_FISHEYE"
        raise CaptureError(problem, path=path, todo="export perspective pictures")
    if k4:
        raise CaptureError("a fourth radial term (k4) is known for fisheye lenses only", path=path)
    if k3:
        return Distortion("FULL_OPENCV", (k1, k2, p1, p2, k3, 0.0, 0.0, 0.0))
    return Distortion("OPENCV", (k1, k2, p1, p2)) if any((k1, k2, p1, p2)) else None


def _depth(entry: Mapping[str, Any], root: Path, path: Path) -> Map | None:
    name = entry.get("depth_file_path") or entry.get("depth_path")
    if name is None:
        return None
    try:
        file = _inside(root, name, path)
    except CaptureError:
        return None  # NeRFCapture names depth that it does not write
    if file.suffix.lower() == ".npy":
        return lambda: _npy(file)
    scale = entry.get("integer_depth_scale") or entry.get("depth_unit_scale_factor") or 1e-3
    return png_depth(file, float(array_of(scale, (), "integer_depth_scale", path)))


def _npy(file: Path) -> NDArray[Any]:
    try:
        if file.stat().st_size > MAX_NPY_BYTES:
            raise ValueError(f"larger than {MAX_NPY_BYTES >> 20} MiB")
        values = np.load(file, mmap_mode="r", allow_pickle=False)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[..., 0]
        if values.ndim != 2 or not values.size or values.dtype.kind not in "fui":
            raise ValueError(f"{values.dtype} of shape {values.shape}")
        return np.array(values, dtype=np.float32)
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError) as problem:
        raise CaptureError(f"damaged ({problem})", path=file) from problem


def _picture_size(file: Path) -> tuple[int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as image:
                return image.size
    except Exception as problem:  # Pillow raises every kind of exception on damaged files
        raise CaptureError(f"{file.name}: damaged ({problem})", path=file) from problem
