"""The small files of a scene: collision pieces (OBJ) and sparse points (PLY).

Readers take files that anybody may have made: sizes are bounded and every index and number is checked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.errors import SceneError

__all__ = ["checked_mesh", "read_bounded", "read_obj", "read_points", "write_obj", "write_points"]

MAX_MESH_BYTES = 256 << 20
MAX_POINTS = 50_000_000
_POINT = np.dtype([("position", "<f8", 3), ("color", "u1", 3)])
_POINT_PROPERTIES = [f"property double {axis}" for axis in "xyz"] + [
    f"property uchar {c}" for c in ("red", "green", "blue")
]


def write_obj(mesh: trimesh.Trimesh, path: Path) -> None:
    """Write vertices and faces as they are, one convex piece a file."""
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in mesh.faces.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def read_obj(path: Path) -> trimesh.Trimesh:
    """Read the triangles of an OBJ file; materials, normals and texture coordinates are skipped.

    Raises:
        SceneError: missing, too large, or a line is damaged.
    """
    vertices: list[list[float]] = []
    faces: list[list[int]] = []
    for number, line in enumerate(read_bounded(path).decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        try:
            if words[:1] == ["v"]:
                vertices.append([float(word) for word in words[1:4]])
            elif words[:1] == ["f"]:
                corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
                faces += [[corners[0], corners[i], corners[i + 1]] for i in range(1, len(corners) - 1)]
        except (ValueError, IndexError):
            raise SceneError(f"line {number} is damaged: {line[:60]!r}", path=path) from None
    if any(len(v) != 3 for v in vertices):
        raise SceneError("a vertex does not have three coordinates", path=path)
    return checked_mesh(np.array(vertices).reshape(-1, 3), np.array(faces, dtype=np.int64).reshape(-1, 3), path)


def write_points(points: NDArray[np.float64], colors: NDArray[np.uint8], path: Path) -> None:
    """Write points (P, 3) [m] with colours (P, 3) as a binary PLY file."""
    rows = np.zeros(len(points), dtype=_POINT)
    rows["position"], rows["color"] = points, colors
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}", *_POINT_PROPERTIES]
    path.write_bytes(("\n".join([*header, "end_header"]) + "\n").encode() + rows.tobytes())


def read_points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Read what :func:`write_points` wrote.

    Raises:
        SceneError: missing, too large, damaged or of another layout.
    """
    header, end, body = read_bounded(path, _POINT.itemsize * MAX_POINTS).partition(b"end_header\n")
    lines = header.decode("ascii", "replace").splitlines()
    if not end or lines[:2] != ["ply", "format binary_little_endian 1.0"] or lines[3:] != _POINT_PROPERTIES:
        raise SceneError("not a PLY file of positions (double) and colours (uchar)", path=path)
    if lines[2] != f"element vertex {len(body) // _POINT.itemsize}" or len(body) % _POINT.itemsize:
        raise SceneError("the file is cut off", path=path)
    rows = np.frombuffer(body, dtype=_POINT)
    if not np.isfinite(rows["position"]).all():
        raise SceneError("points that are not finite", path=path)
    return rows["position"].copy(), rows["color"].copy()


def read_bounded(path: Path, limit: int = MAX_MESH_BYTES) -> bytes:
    """A file's bytes.

    Raises:
        SceneError: missing, unreadable or larger than the limit.
    """
    try:
        if path.stat().st_size > limit:
            raise SceneError(f"larger than {limit >> 20} MiB", path=path)
        return path.read_bytes()
    except FileNotFoundError:
        raise SceneError("the scene lacks this file", path=path, todo="build or copy the scene again") from None
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None


def checked_mesh(vertices: NDArray[np.float64], faces: NDArray[np.int64], path: Path) -> trimesh.Trimesh:
    """A mesh from vertices and faces as they are.

    Raises:
        SceneError: it has no faces, numbers that are not finite, or faces that name no vertex.
    """
    if not len(faces) or not len(vertices):
        raise SceneError("the mesh has no faces", path=path)
    if not np.isfinite(vertices).all():
        raise SceneError("the mesh has vertices that are not finite", path=path)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise SceneError("a face names a vertex that is not there", path=path)
    return trimesh.Trimesh(vertices, faces, process=False)
