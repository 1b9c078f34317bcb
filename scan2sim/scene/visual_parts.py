"""A GLB in three files, so that meshes that differ in places or colours only can share the rest.

glTF lets the data of a file lie in several buffers, and lets a buffer be a file beside it
(https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-stored-buffer).  ``visual.glb`` keeps the places of the
vertices, ``faces.bin`` has the triangles and where they lie in the picture, ``colors.bin`` the colours and the picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.scene.glb import pack_glb, unpack_glb

__all__ = ["BESIDE", "COLORS", "FACES", "VisualParts", "encode_picture", "split_visual"]

FACES, COLORS = "faces.bin", "colors.bin"
BESIDE = (FACES, COLORS)  # the only files that a visual.glb may take data from
JPEG_QUALITY = 90
_JPEG_MAGIC = b"\xff\xd8"
_COLOR_NAMES = ("COLOR_0", "_COLOR")


@dataclass(frozen=True)
class VisualParts:
    """What to write under which name."""

    glb: bytes  # visual.glb
    faces: bytes  # FACES
    colors: bytes  # COLORS


@dataclass
class _Buffer:
    """Bytes of views, one after the other."""

    data: bytearray = field(default_factory=bytearray)

    def append(self, data: bytes) -> int:
        """Where the data begin."""
        offset = len(self.data)
        self.data += data + bytes(-len(data) % 4)
        return offset


def split_visual(glb: bytes, picture: bytes | None = None) -> VisualParts:
    """Part a GLB that ``visual.encode_visual`` made.

    Args:
        glb: a file with one buffer of its own.
        picture: a PNG or JPEG file to put in place of its picture.
    """
    document, binary = unpack_glb(glb)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    owner = {document["accessors"][attributes["POSITION"]]["bufferView"]: 0}
    for name in _COLOR_NAMES:
        if name in attributes:
            owner[document["accessors"][attributes[name]]["bufferView"]] = 2
    pictures = {image["bufferView"]: image for image in document.get("images", [])}
    owner |= dict.fromkeys(pictures, 2)
    buffers = (_Buffer(), _Buffer(), _Buffer())
    for number, view in enumerate(document["bufferViews"]):
        offset = view.get("byteOffset", 0)
        data = binary[offset : offset + view["byteLength"]]
        if picture is not None and number in pictures:
            data = picture
            pictures[number]["mimeType"] = "image/jpeg" if data.startswith(_JPEG_MAGIC) else "image/png"
        buffer = owner.get(number, 1)
        view |= {"buffer": buffer, "byteOffset": buffers[buffer].append(data), "byteLength": len(data)}
    places, faces, colors = (bytes(buffer.data) for buffer in buffers)
    document["buffers"] = [
        {"byteLength": len(places)},
        {"byteLength": len(faces), "uri": FACES},
        {"byteLength": len(colors), "uri": COLORS},
    ]
    return VisualParts(pack_glb(document, places), faces, colors)


def encode_picture(image: NDArray[np.uint8], *, lossy: bool) -> bytes:  # (H, W, 3)
    """As PNG, or as JPEG (quality 90, full colour) for a fifth of the size."""
    file = io.BytesIO()
    if lossy:
        Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
