"""The convex pieces of one body in one small file: a GLB with a mesh for each piece.

As OBJ, one file a piece, the 57 pieces of a table with five things took 270 KB of a disk with blocks of 4 KB; so they
take 70.  Any program that reads glTF reads them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from scan2sim.errors import SceneError
from scan2sim.scene.glb import pack_glb
from scan2sim.scene.parts import checked_mesh, read_bounded, read_obj

__all__ = ["encode_pieces", "read_pieces"]

MAX_PIECES = 10_000
INDICES = (("<u1", 5121, 0xFF), ("<u2", 5123, 0xFFFF), ("<u4", 5125, 0xFFFFFFFF))  # the last of each is reserved
FLOAT = 5126


def encode_pieces(pieces: Sequence[trimesh.Trimesh]) -> bytes:
    """A GLB of the pieces in their order, vertices and faces as they are, places as 32-bit floats."""
    binary = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def add(data: np.ndarray, component: int, kind: str, **more: Any) -> None:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": data.nbytes})
        accessors.append({"bufferView": len(views) - 1, "componentType": component, "type": kind} | more)
        binary.extend(data.tobytes() + bytes(-data.nbytes % 4))

    for piece in pieces:
        places = np.asarray(piece.vertices, dtype="<f4")
        dtype, component, _ = next(row for row in INDICES if len(places) <= row[2])
        low, high = ([float(str(x)) for x in corner] for corner in (places.min(0), places.max(0)))
        add(places, FLOAT, "VEC3", count=len(places), min=low, max=high)
        add(np.asarray(piece.faces, dtype=dtype).ravel(), component, "SCALAR", count=3 * len(piece.faces))
    count = len(pieces)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(count))}],
        "nodes": [{"mesh": k} for k in range(count)],
        "meshes": [
            {"name": f"piece-{k}", "primitives": [{"attributes": {"POSITION": 2 * k}, "indices": 2 * k + 1}]}
            for k in range(count)
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return pack_glb(document, bytes(binary))


def read_pieces(path: Path) -> tuple[trimesh.Trimesh, ...]:
    """The pieces in a file that anybody may have made: one in an OBJ, any number in a GLB.

    Raises:
        SceneError: missing, too large, damaged, or of another kind.
    """
    if path.suffix.lower() != ".glb":
        return (read_obj(path),)
    data = read_bounded(path)
    try:
        scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False, resolver={})
        found = [(np.asarray(mesh.vertices), np.asarray(mesh.faces)) for mesh in scene.geometry.values()]
    except Exception as problem:  # the parser raises whatever its input makes it trip over
        raise SceneError(f"the collision pieces cannot be read ({type(problem).__name__})", path=path) from None
    if not 0 < len(found) <= MAX_PIECES:
        raise SceneError(f"{len(found)} collision pieces; 1 to {MAX_PIECES} are read", path=path)
    return tuple(checked_mesh(vertices.astype(np.float64), faces.astype(np.int64), path) for vertices, faces in found)
