"""Real recordings: one body over the plane z = 0, in episodes, read from an npz and checked before it is believed."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import Scan2SimError
from splatwm.data.free_fall import falling_acceleration
from splatwm.data.recorded_links import RecordedLinks, links_of
from splatwm.data.recorded_motion import contradiction, differences, mend_gaps, unwound

__all__ = ["Recording", "RecordingError", "read_recording"]

Array = NDArray[np.float64]
MAX_BYTES = 2 << 30  # of one recording, unpacked
DT = (1e-4, 1.0)  # [s] between frames
UNIT_TOLERANCE = 0.01  # of a quaternion's length, within which it is made a unit one
NUMBERS = ("states", "poses", "offsets", "dt", "link_position", "link_wxyz", "link_friction")
WORDS = ("links", "shapes")
TOLD = 1e-4  # of a quaternion's length, from which on it is said


class RecordingError(Scan2SimError):
    """A recording is damaged, or is not what it says."""


@dataclass(frozen=True)
class Recording:
    """Episodes of one body's motion over the plane z = 0."""

    dt: float  # [s]
    position: tuple[Array, ...]  # (T, 3) [m] of each episode
    wxyz: tuple[Array, ...]  # (T, 4) unit, without jumps of sign
    velocity: tuple[Array, ...]  # (T, 3) [m/s] of the body frame's origin, in the scene frame
    spin: tuple[Array, ...]  # (T, 3) [rad/s] in the body frame
    gravity: float | None  # [m/s²] as falls in the recording show it; None if nothing falls
    notes: tuple[str, ...] = ()  # what was mended, and what could not be checked; for people
    links: RecordedLinks | None = None  # of a robot that acted on the body

    def __len__(self) -> int:
        return len(self.position)


def read_recording(path: Path) -> Recording:
    """Read a recording and see that it is what it should be.

    The file is an npz of ``states`` (N, 13): position [m], quaternion wxyz, velocity [m/s] in the scene frame and
    spin [rad/s] in the body frame; or of ``poses`` (N, 7) without the last two, which are then differences of the
    poses.  Beside it ``offsets`` (E + 1,): episode i is ``states[offsets[i]:offsets[i + 1]]``; and ``dt`` [s].
    Where a robot acted: ``links`` (K names), ``shapes`` (K solids such as ``sphere:0.01``), ``link_position`` (N, K, 3)
    [m] and, unless links keep the scene's axes, ``link_wxyz`` (N, K, 4); ``link_friction``
    (K,) if it is not that of smooth plastic.

    Mended, and said in ``notes``: quaternions up to 1 % longer or shorter than 1, and up to 50 ms of NaN inside an
    episode, which are interpolated.  Everything else that is wrong is refused.

    Raises:
        RecordingError: the file is missing, damaged or of another form; has NaN or gaps; its dt, units, up direction or
            order of quaternions contradict its own speeds or gravity.
    """
    arrays = _arrays(path)
    rows, offsets, dt = _table(arrays, path), _offsets(arrays, path), _dt(arrays, path)
    if offsets[-1] != len(rows):
        raise RecordingError(f"the offsets end at {offsets[-1]}, the table has {len(rows)} rows", path=path)
    notes: list[str] = []
    position, wxyz, velocity, spin = [], [], [], []
    mended = 0
    for i, (first, last) in enumerate(pairwise(offsets)):
        episode, gaps = mend_gaps(rows[first:last], dt)
        if episode is None:
            raise RecordingError(
                f"episode {i} has numbers that are not finite, for longer than 50 ms or at its start or end",
                path=path,
                todo="cut the episode there",
            )
        mended += gaps
        lengths = np.linalg.norm(episode[:, 3:7], axis=1)
        if np.abs(lengths - 1).max() > UNIT_TOLERANCE:
            raise RecordingError(
                f"episode {i} has a quaternion of length {lengths[np.abs(lengths - 1).argmax()]:.3g} instead of 1",
                path=path,
                todo="columns 3 to 6 are w, x, y, z",
            )
        if np.abs(lengths - 1).max() > TOLD:
            notes.append(f"episode {i}: quaternions of length {lengths.min():.4f} to {lengths.max():.4f} made 1")
        position.append(episode[:, :3])
        wxyz.append(unwound(episode[:, 3:7] / lengths[:, None]))
        speeds = episode[:, 7:] if episode.shape[1] == 13 else differences(position[-1], wxyz[-1], dt)
        velocity.append(speeds[:, :3])
        spin.append(speeds[:, 3:])
    if mended:
        notes.append(f"{mended} frames without numbers were interpolated")
    if "poses" in arrays:
        notes.append("speeds are differences of poses")
    stated = (velocity, spin) if "states" in arrays else None
    problem = contradiction(position, wxyz, stated, dt)
    if problem:
        raise RecordingError(problem[0], path=path, todo=problem[1])
    links = links_of(arrays, offsets)
    if isinstance(links, str):
        raise RecordingError(links, path=path, todo="links and shapes name K links, link_position is (N, K, 3)")
    if links is None:
        gravity = _gravity(position, dt, path, notes)
    else:  # what is pushed and tilted moves down in ways that are no fall
        gravity = None
        notes.append("a robot acts in it, so dt and units were not held against gravity")
    return Recording(dt, tuple(position), tuple(wxyz), tuple(velocity), tuple(spin), gravity, tuple(notes), links)


def _gravity(position: list[Array], dt: float, path: Path, notes: list[str]) -> float | None:
    found = falling_acceleration(position, dt)
    if found is None:
        notes.append("nothing falls freely in it, so dt and units could not be held against gravity")
        return None
    size, tilt = found.size, found.tilt_deg
    if found.problem:
        raise RecordingError(found.problem, path=path, todo=found.todo)
    if tilt > 3:
        notes.append(f"gravity stands {tilt:.1f}° off the vertical")
    return size


def _arrays(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise RecordingError(f"larger than {MAX_BYTES >> 30} GiB unpacked", path=path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*NUMBERS, *WORDS) if name in file}
    except OSError as problem:
        raise RecordingError(f"cannot be read ({problem.strerror or problem})", path=path) from None
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as problem:
        raise RecordingError(f"is no whole npz file ({problem})", path=path) from None
    missing = [name for name in ("offsets", "dt") if name not in arrays]
    if missing or ("states" in arrays) == ("poses" in arrays):
        has = ", ".join(arrays) or "none of them"
        raise RecordingError(f"holds {has}; expected are states or poses, offsets and dt", path=path)
    if any(array.dtype.kind not in ("U" if name in WORDS else "fiu") for name, array in arrays.items()):
        raise RecordingError("holds something else than numbers, and names of links", path=path)
    return arrays


def _table(arrays: dict[str, Any], path: Path) -> Array:
    name, columns = ("states", 13) if "states" in arrays else ("poses", 7)
    table = arrays[name]
    if table.ndim != 2 or table.shape[1] != columns or not len(table):
        raise RecordingError(f"{name} has shape {table.shape} instead of (N, {columns})", path=path)
    return table.astype(np.float64)


def _offsets(arrays: dict[str, Any], path: Path) -> list[int]:
    offsets = arrays["offsets"]
    if offsets.ndim != 1 or len(offsets) < 2 or offsets.dtype.kind not in "iu":
        raise RecordingError(f"offsets are no list of whole numbers (shape {offsets.shape})", path=path)
    if offsets[0] != 0 or (np.diff(offsets.astype(np.int64)) < 3).any():
        raise RecordingError("offsets should begin at 0 and grow by at least 3 frames an episode", path=path)
    return [int(offset) for offset in offsets]


def _dt(arrays: dict[str, Any], path: Path) -> float:
    dt = float(arrays["dt"]) if arrays["dt"].size == 1 else np.nan
    if not DT[0] <= dt <= DT[1]:
        raise RecordingError(
            f"dt is {dt:g} s, and {DT[0]:g} to {DT[1]:g} s are expected", path=path, todo="give dt in seconds"
        )
    return dt
