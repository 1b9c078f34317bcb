"""Photos and videos lose what tells about the person: places, devices, makers' notes, previews, comments.

The picture itself is not touched.  What reading needs stays: orientation, focal length, size and time.
"""

from __future__ import annotations

import mmap
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from scan2sim.capture.exif import EXIF_BLOCK, KEPT_IN_BLOCK, ORIENTATION, is_screenshot
from scan2sim.capture.isobmff import boxes, item_places
from scan2sim.capture.jpeg import strip_metadata
from scan2sim.capture.magic import file_kind

__all__ = ["remove_private"]

MAX_PHOTO_BYTES = 1 << 29
_PNG_TEXT = (b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME")
_VIDEO_METADATA = (b"udta", b"meta", b"uuid")


def remove_private(path: Path) -> None:
    """Remove private metadata from a file of one's own, in place; other kinds than photos and videos stay as they are.

    Damaged files, of which reading refuses the picture too, stay as they are.
    """
    kind = file_kind(path)
    if kind == "video":
        _blank_video(path)
    elif kind in ("jpeg", "png") and path.stat().st_size <= MAX_PHOTO_BYTES:
        data = path.read_bytes()
        cleaned = _clean_jpeg(data) if kind == "jpeg" else _clean_png(data)
        if cleaned is not None:
            path.write_bytes(cleaned)
    elif kind == "webp":
        _blank_webp(path)
    elif kind in ("heif", "avif"):
        _blank_items(path)


def _essential(exif: Image.Exif) -> bytes:
    """A new EXIF block with what reading uses, as ``Exif\\0\\0`` and a TIFF; empty if there is nothing."""
    kept = Image.Exif()
    if isinstance(orientation := exif.get(ORIENTATION), int):
        kept[ORIENTATION] = orientation
    block = exif.get_ifd(EXIF_BLOCK)
    inner = {tag: block[tag] for tag in KEPT_IN_BLOCK if tag in block}
    if is_screenshot(block):
        inner |= {0x9286: b"ASCII\0\0\0Screenshot"}
    if inner:
        kept.setdefault(ORIENTATION, 1)  # Pillow writes no block that is all there is
        kept.get_ifd(EXIF_BLOCK).update(inner)
    return kept.tobytes() if len(kept) else b""


def _tags(opener: Callable[[BytesIO], Image.Image], data: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _essential(opener(BytesIO(data)).getexif())
    except Exception:  # damaged tags count as absent
        return b""


def _clean_jpeg(data: bytes) -> bytes | None:
    stripped = strip_metadata(data)
    tags = _tags(JpegImageFile, data)
    if stripped is None or not tags or len(tags) > 65_000:
        return stripped
    return stripped[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + stripped[2:]


def _clean_png(data: bytes) -> bytes | None:
    out, at = [data[:8]], 8
    tags = _tags(PngImageFile, data)[6:]
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind not in _PNG_TEXT:
            out.append(data[at : at + 12 + size])
        if kind == b"IHDR" and tags:
            out.append(struct.pack(">I", len(tags)) + b"eXIf" + tags + struct.pack(">I", zlib.crc32(b"eXIf" + tags)))
        at += 12 + size
        if kind == b"IEND":
            return b"".join(out)
    return None


def _blank_webp(path: Path) -> None:
    """Overwrite the chunks EXIF and XMP of the container (RFC 9649)."""
    with _open(path) as data:
        at = 12
        while at + 8 <= len(data):
            kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
            if kind in (b"EXIF", b"XMP "):
                _overwrite(data, at + 8, size, kind == b"EXIF")
            at += 8 + size + size % 2


def _blank_items(path: Path) -> None:
    """Overwrite the items Exif and XMP of HEIC and AVIF."""
    with _open(path) as data:
        for kind, at, size in item_places(data):
            _overwrite(data, at, size, kind == b"Exif")


def _blank_video(path: Path) -> None:
    """Turn the boxes that hold metadata into free space of the same size."""
    with _open(path) as data:
        for kind, start, at, end in _metadata_boxes(data):
            if kind in _VIDEO_METADATA:
                data[start + 4 : start + 8] = b"free"
                data[at:end] = bytes(end - at)


def _metadata_boxes(data: mmap.mmap) -> Iterator[tuple[bytes, int, int, int]]:
    for kind, start, at, end in list(boxes(data, 0, len(data))):
        yield kind, start, at, end
        if kind == b"moov":
            for inner in list(boxes(data, at, end)):
                yield inner
                if inner[0] == b"trak":
                    yield from list(boxes(data, inner[2], inner[3]))


def _overwrite(data: mmap.mmap, at: int, size: int, exif: bool) -> None:
    """Put the essential tags in the place of an EXIF block, or nothing, and fill up with zeros."""
    size = max(0, min(size, len(data) - at))
    content = b""
    if exif:
        old = bytes(data[at : at + size])
        start = old.find(b"II*\0") if b"II*\0" in old[:64] else old.find(b"MM\0*")
        loaded = Image.Exif()
        try:
            loaded.load(b"Exif\0\0" + old[max(0, start) :])
            tiff = _essential(loaded)[6:]
        except Exception:  # damaged tags count as absent
            tiff = b""
        content = old[: max(0, start)] + tiff if tiff else b""
    data[at : at + size] = content.ljust(size, b"\0") if len(content) <= size else bytes(size)


@contextmanager
def _open(path: Path) -> Iterator[mmap.mmap]:
    """A file's bytes to be changed in place."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        yield data
