"""Numbers out of JSON and CSV files that may be damaged, cut off or made to hurt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Intrinsics
from scan2sim.errors import CaptureError
from scan2sim.files import read_json
from scan2sim.geometry import matrix_from_quaternion

__all__ = [
    "array_of",
    "opencv_from_opengl",
    "pinhole",
    "pose_of_quaternion",
    "proper_pose",
    "read_object",
    "read_table",
    "shallowest",
]

MAX_TABLE_BYTES = 16 << 20  # an hour of poses; what is parsed takes up to forty times as much memory
MAX_ROWS = 200_000
FARTHEST = 1e6  # [m]
MAX_SIDE = 65_535  # [pixels]
TODO = "export it again from the app, or copy it again"
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


def shallowest(folders: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """Of several places where a format may begin, the one nearest the top."""
    return min(folders, key=lambda folder: (len(folder.parts), folder), default=None)


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        CaptureError: it is missing, too large or no JSON object.
    """
    _check_size(path)
    data = read_json(path, CaptureError)
    if not isinstance(data, dict):
        raise CaptureError("is JSON but no object", path=path, todo=TODO)
    return data


def read_table(path: Path) -> tuple[list[str], NDArray[np.float64]]:  # column names, (rows, columns)
    """A CSV file of numbers; the first row may hold names.  An incomplete last row is left out.

    Raises:
        CaptureError: it is missing, too large, or does not hold rows of equally many numbers.
    """
    _check_size(path)
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if len(lines) > MAX_ROWS:
        raise CaptureError(f"more than {MAX_ROWS} rows", path=path, todo=TODO)
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    names: list[str] = []
    if rows and any(_number(cell) is None for cell in rows[0]):
        names = [cell.casefold() for cell in rows.pop(0)]
    width = len(names) or (len(rows[0]) if rows else 0)
    if rows and len(rows[-1]) < width:
        rows.pop()
    values = [[_number(cell) for cell in row] for row in rows]
    if not values or any(len(row) != width or None in row for row in values):
        raise CaptureError("does not hold rows of equally many numbers", path=path, todo=TODO)
    return names, np.array(values, dtype=np.float64)


def array_of(value: Any, shape: tuple[int, ...], what: str, path: Path) -> NDArray[np.float64]:
    """Nested lists of finite numbers as an array; -1 in ``shape`` is any length.

    Raises:
        CaptureError: it is something else.
    """
    try:
        array = np.array(value, dtype=np.float64)
        array = array if array.ndim == len(shape) else array.reshape(shape)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    fits = array.ndim == len(shape) and all(n in (-1, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits or not np.isfinite(array).all():
        wanted = "×".join("n" if n < 0 else str(n) for n in shape) or "one"
        raise CaptureError(f"“{what}” is not {wanted} finite numbers", path=path, todo=TODO)
    return array


def pinhole(size: Any, coefficients: Any, path: Path) -> Intrinsics:
    """Intrinsics from (width, height) and (fx, fy, cx, cy).

    Raises:
        CaptureError: no picture can have these.
    """
    width, height = array_of(size, (2,), "width and height", path)
    fx, fy, cx, cy = array_of(coefficients, (4,), "fx, fy, cx, cy", path)
    sides_ok = 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE
    if not sides_ok or not (0 < fx < 1e6 and 0 < fy < 1e6 and abs(cx) < 1e6 and abs(cy) < 1e6):
        raise CaptureError(
            f"impossible intrinsics {width:g}×{height:g}, f {fx:g}, {fy:g}, c {cx:g}, {cy:g}", path=path, todo=TODO
        )
    return Intrinsics(int(width), int(height), float(fx), float(fy), float(cx), float(cy))


def proper_pose(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:  # (3 or 4, 4) → (4, 4)
    """The nearest rigid transform, or None if the matrix is far from any (tracking was lost)."""
    pose = np.eye(4)
    pose[:3] = matrix[:3, :4]
    if not (np.abs(pose) < FARTHEST).all():
        return None
    u, scales, vt = np.linalg.svd(pose[:3, :3])
    if np.abs(scales - 1).max() > 0.02 or np.linalg.det(u @ vt) < 0:
        return None
    pose[:3, :3] = u @ vt
    return pose


def pose_of_quaternion(xyzw: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The transform of a quaternion (x, y, z, w) and a position, or None if it is none."""
    if not (np.abs(xyzw) < 2).all() or not 0.9 < np.linalg.norm(xyzw) < 1.1:
        return None
    rotation = matrix_from_quaternion(np.roll(xyzw / np.linalg.norm(xyzw), 1))
    return proper_pose(np.column_stack([rotation, position]))


def opencv_from_opengl(pose: NDArray[np.float64] | None) -> NDArray[np.float64] | None:  # (4, 4)
    """``world_from_camera`` of an OpenCV camera (y down, z forward) from that of OpenGL or ARKit (y up, z back)."""
    return None if pose is None else pose @ _FLIP


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise CaptureError("no such file", path=path, todo=TODO)
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise CaptureError(f"larger than {MAX_TABLE_BYTES >> 20} MiB, which no file of this kind is", path=path)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
