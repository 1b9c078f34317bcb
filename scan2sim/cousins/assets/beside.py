"""The files that a mesh takes materials, pictures or numbers from: they are part of what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from scan2sim.scene.glb import unpack_glb

__all__ = ["files_beside"]

LIBRARIES = re.compile(rb"^[ \t]*mtllib[ \t]+(.+?)[ \t\r]*$", re.MULTILINE)
MAPS = re.compile(rb"^[ \t]*(?:map_\w+|bump|disp|decal|norm|refl)[ \t]+(.+?)[ \t\r]*$", re.MULTILINE)
PICTURES = re.compile(rb"^comment TextureFile[ \t]+(.+?)[ \t\r]*$", re.MULTILINE)
MOST = 1000  # files


def files_beside(path: Path, limit: int) -> list[Path]:
    """What an OBJ, PLY, glTF or GLB file names below its own folder, there or not, each once, in the order of names.

    Args:
        path: the file of a mesh.
        limit: files larger than this are not looked into [bytes].
    """
    suffix = path.suffix.lower()
    if suffix == ".obj":
        materials = _below(path, (name for line in _found(path, LIBRARIES, limit) for name in (line, *line.split())))
        maps = [name for each in materials for line in _found(each, MAPS, limit) for name in (line, line.split()[-1])]
        named = [*materials, *_below(path, maps)]
    elif suffix == ".ply":
        named = _below(path, _found(path, PICTURES, limit))
    else:
        named = _below(path, _uris(path, limit)) if suffix in (".gltf", ".glb") else []
    return sorted(set(named))[:MOST]


def _below(path: Path, names: Iterable[str]) -> list[Path]:
    """Files of these names, but those that lie outside the folder."""
    inside = [name for name in names if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts]
    return [path.parent / name for name in inside if "\0" not in name and len(name) < 500]


def _found(path: Path, pattern: re.Pattern[bytes], limit: int) -> list[str]:
    return [name.decode("utf-8", "replace") for name in pattern.findall(_read(path, limit))]


def _uris(path: Path, limit: int) -> list[str]:
    """Of a glTF document's buffers and pictures."""
    data = _read(path, limit)
    try:
        document = unpack_glb(data)[0] if data[:4] == b"glTF" else json.loads(data)
        rows = [*document.get("buffers", ()), *document.get("images", ())]
        uris = [row["uri"] for row in rows if isinstance(row.get("uri"), str)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []  # damaged, which its reader will say
    return [unquote(uri) for uri in uris if not uri.startswith("data:")]


def _read(path: Path, limit: int) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= limit else b""
    except OSError:
        return b""
