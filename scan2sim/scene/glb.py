"""The outer form of a GLB file: a JSON document and one block of bytes.

https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification
"""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["pack_glb", "unpack_glb"]

_HEAD = struct.Struct("<4sII")  # magic, version, bytes
_CHUNK = struct.Struct("<I4s")  # bytes, kind


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """The file; ``binary`` is its first buffer, in multiples of four bytes."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    size = _HEAD.size + 2 * _CHUNK.size + len(text) + len(binary)
    chunks = _CHUNK.pack(len(text), b"JSON") + text + _CHUNK.pack(len(binary), b"BIN\0") + binary
    return _HEAD.pack(b"glTF", 2, size) + chunks


def unpack_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The document of a file, and its block of bytes, empty where it has none.

    Raises:
        ValueError: it is no GLB, or is cut off.
    """
    start = _HEAD.size + _CHUNK.size
    if data[:4] != b"glTF" or len(data) < start:
        raise ValueError("no GLB file")
    size = _CHUNK.unpack_from(data, _HEAD.size)[0]
    document = json.loads(data[start : start + size])
    if not isinstance(document, dict):
        raise ValueError("no glTF document")
    return document, data[start + size + _CHUNK.size :]
