"""Episodes and bodies as the bytes of an npz: numbers in single precision, the same bytes for the same content."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.errors import Scan2SimError
from splatwm.data.episode import Episode

__all__ = ["DataError", "body_from_bytes", "body_to_bytes", "episodes_from_bytes", "episodes_to_bytes"]

MAX_BYTES = 1 << 30  # of one file, unpacked
TEXTS = ("dt", "kind", "source", "seed", "names", "bodies", "background", "links", "shapes")
# the arrays of an episode and their axes: T frames, O objects, K links
ARRAYS: dict[str, tuple[str | int, ...]] = {
    "mass": ("O",),
    "center_of_mass": ("O", 3),
    "inertia": ("O", 3, 3),
    "friction": ("O",),
    "link_friction": ("K",),
    "position": ("T", "O", 3),
    "wxyz": ("T", "O", 4),
    "velocity": ("T", "O", 3),
    "spin": ("T", "O", 3),
    "link_position": ("T", "K", 3),
    "link_wxyz": ("T", "K", 4),
    "impulse": ("T", "O", 3),
    "touch": ("T", "K", 3),
}


class DataError(Scan2SimError):
    """A folder of trajectories is missing, damaged or of another version."""


def episodes_to_bytes(episodes: Sequence[Episode]) -> bytes:
    """An npz: each array of all episodes one after the other, and ``episodes``, JSON of what is no array."""
    heads = [{name: getattr(e, name) for name in TEXTS} | {"frames": e.frames} for e in episodes]
    arrays = {name: _joined([getattr(e, name) for e in episodes]) for name in ARRAYS}
    return _npz({"episodes": _text(heads), **arrays})


def episodes_from_bytes(data: bytes) -> list[Episode]:
    """What :func:`episodes_to_bytes` wrote.

    Raises:
        DataError: it is something else, or cut short.
    """
    arrays = _arrays(data)
    try:
        heads = json.loads(arrays["episodes"].tobytes().decode())
        places = dict.fromkeys(ARRAYS, 0)
        episodes = []
        for head in heads:
            sizes = {"T": int(head.pop("frames")), "O": len(head["names"]), "K": len(head["links"])}
            parts = {}
            for name, axes in ARRAYS.items():
                shape = tuple(sizes[axis] if isinstance(axis, str) else axis for axis in axes)
                first, places[name] = places[name], places[name] + int(np.prod(shape))
                parts[name] = arrays[name][first : places[name]].reshape(shape)
            head |= {name: tuple(head[name]) for name in ("names", "bodies", "links", "shapes")}
            episodes.append(Episode(**head, **parts))
        if any(places[name] != len(arrays[name]) for name in ARRAYS):
            raise ValueError("arrays are longer than their episodes")
    except (KeyError, ValueError, TypeError) as problem:
        raise DataError(f"is no file of episodes ({problem})") from None
    return episodes


def body_to_bytes(body: Body) -> bytes:
    """An npz of a body's meshes, one after the other with the surface first, and its physics; not of its name."""
    meshes = [body.surface, *body.pieces]
    return _npz(
        {
            "vertices": np.concatenate([np.asarray(mesh.vertices, "<f4") for mesh in meshes]),
            "faces": np.concatenate([np.asarray(mesh.faces, "<i4") for mesh in meshes]),
            "counts": np.array([[len(mesh.vertices), len(mesh.faces)] for mesh in meshes], "<i4"),
            "mass": np.array(body.mass, "<f4"),
            "center_of_mass": np.asarray(body.center_of_mass, "<f4"),
            "inertia": np.asarray(body.inertia, "<f4"),
            "friction": np.array(np.nan if body.friction is None else body.friction, "<f4"),
        }
    )


def body_from_bytes(data: bytes, name: str) -> Body:
    """What :func:`body_to_bytes` wrote, under a name of the reader's.

    Raises:
        DataError: it is something else, or cut short.
    """
    arrays = _arrays(data)
    try:
        ends = np.cumsum(arrays["counts"], axis=0)[:-1]
        vertices = np.split(arrays["vertices"].astype(np.float64), ends[:, 0])
        faces = np.split(arrays["faces"], ends[:, 1])
        meshes = [trimesh.Trimesh(v, f, process=False) for v, f in zip(vertices, faces, strict=True)]
        friction = float(arrays["friction"])
        return Body(
            name=name,
            surface=meshes[0],
            pieces=tuple(meshes[1:]),
            mass=float(arrays["mass"]),
            center_of_mass=arrays["center_of_mass"].astype(np.float64),
            inertia=arrays["inertia"].astype(np.float64),
            friction=None if np.isnan(friction) else friction,
        )
    except (KeyError, ValueError, TypeError, IndexError) as problem:
        raise DataError(f"is no file of a body ({problem})") from None


def _joined(arrays: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.asarray(array, "<f4").ravel() for array in arrays])


def _text(data: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(data, separators=(",", ":")).encode(), np.uint8)


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer, allow_pickle=False, **arrays
    )  # its entries carry no time, so the bytes depend on the content alone
    return buffer.getvalue()


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise DataError(f"larger than {MAX_BYTES >> 30} GiB unpacked")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as problem:
        raise DataError(f"is no whole npz file ({problem})") from None
