"""What a robot does: where its links are at each moment, read from an npz file and checked."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import solid_of_word
from scan2sim.errors import UsageError

__all__ = ["RobotMotion", "pusher_motion", "read_actions"]

Array = NDArray[np.float64]
MAX_BYTES = 1 << 30  # of a file, unpacked
MAX_LINKS = 64
MAX_ROWS = 1_000_000  # of all links together
DT = (1e-4, 0.1)  # [s] between rows
FARTHEST = 100.0  # [m] from the scene's origin: what is farther is in other units
PUSHER = "pusher"


@dataclass(frozen=True)
class RobotMotion:
    """K links at T moments; row 0 is where they start."""

    dt: float  # [s] between rows
    links: tuple[str, ...]  # K names
    shapes: tuple[str, ...]  # K solids: box:AxBxC, sphere:R, cylinder:RxH [m]
    position: Array  # (T, K, 3) [m] scene frame
    wxyz: Array  # (T, K, 4) unit


def pusher_motion(path: Array, radius: float, dt: float) -> RobotMotion:  # (T, 3) [m], [m], [s]
    """A ball that goes along a path."""
    position = np.asarray(path, np.float64)[:, None]
    return RobotMotion(dt, (PUSHER,), (f"sphere:{radius:g}",), position, _upright(position))


def read_actions(path: Path) -> RobotMotion:
    """Read what a robot does.

    The file is an npz of ``dt`` [s], ``links`` (K names), ``shapes`` (K solids such as ``box:0.02x0.02x0.05``),
    ``position`` (T, K, 3) [m] and ``wxyz`` (T, K, 4); or in short ``dt``, ``pusher`` (T, 3) [m] and ``radius`` [m] for
    one ball.  Without ``wxyz`` links keep the scene's axes.

    Raises:
        UsageError: the file is missing or damaged, lacks something, or has numbers that are not finite, no unit
            quaternions, or out of range.
    """
    arrays = _arrays(path)
    dt = float(_table(arrays, "dt", (), path))
    if not DT[0] <= dt <= DT[1]:
        raise UsageError(f"dt is {dt:g} s", path=path, todo=f"give {DT[0]:g} to {DT[1]:g} s between rows")
    if "pusher" in arrays:
        radius = float(_table(arrays, "radius", (), path))
        motion = pusher_motion(_table(arrays, "pusher", (None, 3), path), radius, dt)
    else:
        links, shapes = _words(arrays, "links", path), _words(arrays, "shapes", path)
        position = _table(arrays, "position", (None, len(links), 3), path)
        turned = _upright(position)
        if "wxyz" in arrays:
            turned = _table(arrays, "wxyz", (len(position), len(links), 4), path)
        motion = RobotMotion(dt, links, shapes, position, turned)
    _check(motion, path)
    return motion


def _check(motion: RobotMotion, path: Path) -> None:
    if len(set(motion.links)) < len(motion.links) or not 0 < len(motion.links) <= MAX_LINKS:
        raise UsageError(f"the links need 1 to {MAX_LINKS} different names", path=path)
    if len(motion.shapes) != len(motion.links):
        raise UsageError(f"{len(motion.links)} links, but {len(motion.shapes)} shapes", path=path)
    for shape in motion.shapes:
        solid_of_word(shape)
    if len(motion.position) < 2:
        raise UsageError("there are fewer than two rows: nothing happens", path=path)
    rows = len(motion.position) * len(motion.links)
    if rows > MAX_ROWS:
        raise UsageError(
            f"{len(motion.position)} rows of {len(motion.links)} links are more than a prediction has room for",
            path=path,
            todo=f"cut it into files of at most {MAX_ROWS // len(motion.links)} rows",
        )
    if np.abs(motion.position).max() > FARTHEST:
        raise UsageError("a link is over 100 m away", path=path, todo="give positions in metres, in the scene's frame")
    if np.abs(np.linalg.norm(motion.wxyz, axis=-1) - 1).max() > 0.01:
        raise UsageError("wxyz holds no unit quaternions", path=path, todo="give w, x, y, z of length one")


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    todo = "save it with numpy.savez(path, dt=…, pusher=…, radius=…)"
    if not path.is_file():
        raise UsageError("no such file", path=path, todo=todo)
    try:
        with zipfile.ZipFile(path) as file:
            if sum(entry.file_size for entry in file.infolist()) > MAX_BYTES:
                raise UsageError("the file is larger than 1 GiB", path=path)
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise UsageError(f"this is no npz file of numbers and names ({problem})", path=path, todo=todo) from None


def _table(arrays: dict[str, NDArray[Any]], name: str, shape: tuple[int | None, ...], path: Path) -> Array:
    value = arrays.get(name)
    if value is None:
        raise UsageError(f"the file lacks “{name}”", path=path, todo=f"it has: {', '.join(arrays) or 'nothing'}")
    fits = value.ndim == len(shape) and all(s in (None, n) for s, n in zip(shape, value.shape, strict=True))
    if not fits or value.dtype.kind not in "fiu":
        wanted = " × ".join("T" if s is None else str(s) for s in shape) or "one number"
        raise UsageError(f"“{name}” has shape {value.shape} of {value.dtype}, expected {wanted}", path=path)
    if not np.isfinite(value).all():
        raise UsageError(f"“{name}” has numbers that are not finite", path=path, todo="fill or cut the gaps")
    return value.astype(np.float64)


def _words(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> tuple[str, ...]:
    value = arrays.get(name)
    if value is None or value.dtype.kind != "U" or value.ndim != 1:
        raise UsageError(f"the file needs “{name}”, a list of texts", path=path)
    return tuple(str(word) for word in value)


def _upright(position: Array) -> Array:  # (..., 3) → (..., 4)
    return np.broadcast_to([1.0, 0.0, 0.0, 0.0], (*position.shape[:-1], 4)).copy()
