"""A visual mesh that moved or took other colours, as a small GLB beside the file that it was changed from.

glTF lets a file's data lie in several buffers, and lets a buffer be any other file.  So the changed GLB holds what
changed (places of the vertices, colours, picture), and takes triangles, places in the picture and the rest out of the
original GLB, which lies beside it as ``original.glb``.  Any reader of glTF 2.0 that follows its references reads it
(https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-stored-buffer).
"""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from scan2sim.bodies import Texture, vertex_colors, vertices_seen

__all__ = ["ORIGINAL", "change_visual"]

ORIGINAL = "original.glb"
JPEG_QUALITY = 90
_HEAD = struct.Struct("<4sIIII")  # magic, version, bytes, bytes of the JSON, its kind
_JSON, _BIN = 0x4E4F534A, 0x004E4942
_FLOAT, _BYTE = 5126, 5121


def change_visual(
    original: bytes, before: trimesh.Trimesh, texture: Texture | None, mesh: trimesh.Trimesh, painted: Texture | None
) -> bytes | None:
    """A GLB with the changes from one mesh to another one of the same triangles.

    Args:
        original: the GLB of ``before`` as :func:`write_visual` wrote it; it has to lie beside the new one.
        before: the mesh in it.
        texture: the texture in it.
        mesh: the mesh to write.
        painted: the texture to write; a new picture becomes a JPEG.

    Returns:
        None where more changed than places, colours and picture, or the original is none of ours.
    """
    same_skin = np.array_equal(vertices_seen(before), vertices_seen(mesh)) and (texture is None) == (painted is None)
    if not same_skin or not np.array_equal(before.faces, mesh.faces):
        return None
    if texture and painted and not np.array_equal(texture.uv, painted.uv):
        return None
    try:
        source = _Source.read(original)
        origin = source.origin(len(before.vertices))
        if not np.array_equal(source.positions, before.vertices[origin].astype("<f4")):
            return None
        change = _Change(source)
        if not np.array_equal(before.vertices, mesh.vertices):
            change.put("POSITION", mesh.vertices[origin].astype("<f4"))
        if not np.array_equal(vertex_colors(before), vertex_colors(mesh)):
            change.put("_COLOR" if texture else "COLOR_0", vertex_colors(mesh)[origin])
        if texture and painted and not np.array_equal(texture.image, painted.image):
            change.paint(painted.image)
    except (KeyError, IndexError, TypeError, ValueError, struct.error):  # some other program's
        return None
    return change.encoded()


@dataclass(frozen=True)
class _Source:
    """The one mesh of a GLB file."""

    document: dict[str, Any]
    data: bytes  # the whole file
    start: int  # where the buffer begins in it

    @classmethod
    def read(cls, data: bytes) -> _Source:
        size = _HEAD.unpack_from(data)[3]
        document = json.loads(data[_HEAD.size : _HEAD.size + size])
        (buffer,), (mesh,) = document["buffers"], document["meshes"]
        (_,) = mesh["primitives"]
        if "uri" in buffer:
            raise ValueError("it takes its data from another file already")
        return cls(document, data, _HEAD.size + size + 8)

    @property
    def attributes(self) -> dict[str, int]:
        return self.document["meshes"][0]["primitives"][0]["attributes"]

    @property
    def positions(self) -> NDArray[np.float32]:  # (N, 3)
        return self._floats("POSITION", 3)

    def origin(self, vertices: int) -> NDArray[np.int64]:  # (N,) the mesh's vertex that each of the file's is
        if "_VERTEX" not in self.attributes:
            return np.arange(vertices)
        return self._floats("_VERTEX", 1)[:, 0].astype(np.int64)

    def _floats(self, name: str, width: int) -> NDArray[np.float32]:
        accessor = self.document["accessors"][self.attributes[name]]
        view = self.document["bufferViews"][accessor["bufferView"]]
        if accessor["componentType"] != _FLOAT:
            raise ValueError(f"{name} are no floats")
        begin = self.start + view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(self.data, "<f4", accessor["count"] * width, begin).reshape(-1, width)


@dataclass
class _Change:
    """New data for a mesh; what is not put stays in the original file."""

    source: _Source
    _data: bytearray = field(default_factory=bytearray)
    _views: list[dict[str, Any]] = field(default_factory=list)  # of the new data
    _accessors: dict[int, dict[str, Any]] = field(default_factory=dict)  # by their number in the original
    _picture: dict[str, Any] | None = None

    def put(self, name: str, values: NDArray[Any]) -> None:
        """Other values for an attribute of the vertices."""
        number = self.source.attributes[name]
        accessor = self.source.document["accessors"][number]
        kind = _FLOAT if values.dtype == np.float32 else _BYTE
        if accessor["count"] != len(values) or accessor["componentType"] != kind:
            raise ValueError(f"{name} are stored in another way")
        changed = {**accessor, "bufferView": self._view(values.tobytes()), "byteOffset": 0}
        if "min" in accessor:
            changed |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        self._accessors[number] = changed

    def paint(self, image: NDArray[np.uint8]) -> None:
        """Another picture."""
        (_,) = self.source.document["images"]
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        self._picture = {"bufferView": self._view(file.getvalue()), "mimeType": "image/jpeg"}

    def encoded(self) -> bytes:
        """The GLB file."""
        document = dict(self.source.document)
        document["buffers"] = [
            {"byteLength": len(self._data)},
            {"byteLength": len(self.source.data), "uri": ORIGINAL},
        ]
        document["bufferViews"] = [
            {**view, "buffer": 1, "byteOffset": self.source.start + view.get("byteOffset", 0)}
            for view in document["bufferViews"]
        ] + self._views
        document["accessors"] = [
            self._accessors.get(number, accessor) for number, accessor in enumerate(document["accessors"])
        ]
        if self._picture:
            document["images"] = [self._picture]
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        head = _HEAD.pack(b"glTF", 2, _HEAD.size + len(text) + 8 + len(self._data), len(text), _JSON)
        return head + text + struct.pack("<II", len(self._data), _BIN) + self._data

    def _view(self, data: bytes) -> int:
        """Append data and return the number of its view."""
        self._views.append({"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)})
        self._data += data + bytes(-len(data) % 4)
        return len(self.source.document["bufferViews"]) + len(self._views) - 1
