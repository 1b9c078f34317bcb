"""Boxes of MP4, MOV, HEIC and AVIF files, and where the metadata items of pictures lie (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap

__all__ = ["boxes", "item_places"]

MAX_ITEMS = 10_000


def boxes(data: mmap | bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:  # kind, start, content, end
    """The boxes from ``at`` to ``end``; stops at the first that does not fit."""
    while at + 8 <= end:
        size, kind, content = int.from_bytes(data[at : at + 4]), bytes(data[at + 4 : at + 8]), at + 8
        if size == 1:
            size, content = int.from_bytes(data[at + 8 : at + 16]), at + 16
        elif size == 0:
            size = end - at
        if size < content - at or at + size > end:
            return
        yield kind, at, content, at + size
        at += size


def item_places(data: mmap | bytes) -> list[tuple[bytes, int, int]]:  # Exif or mime, offset, size
    """Where the EXIF and XMP of a picture file lie; empty for files that do not say so plainly."""
    try:
        meta = next((box for box in boxes(data, 0, len(data)) if box[0] == b"meta"), None)
        if meta is None:
            return []
        inside = {kind: (at, end) for kind, _, at, end in boxes(data, meta[2] + 4, meta[3])}
        kinds = _item_kinds(data, *inside[b"iinf"])
        places = _item_locations(data, *inside[b"iloc"])
    except (KeyError, struct.error, IndexError):
        return []
    return [
        (kinds[item], at, size)
        for item, extents in places.items()
        if kinds.get(item) in (b"Exif", b"mime")
        for at, size in extents
    ]


def _item_kinds(data: mmap | bytes, at: int, end: int) -> dict[int, bytes]:
    version = data[at]
    kinds = {}
    for kind, _, content, _ in boxes(data, at + (6 if version == 0 else 8), end):
        if kind == b"infe" and data[content] in (2, 3):
            wide = data[content] == 3
            item = int.from_bytes(data[content + 4 : content + (8 if wide else 6)])
            name_at = content + (10 if wide else 8)
            kinds[item] = bytes(data[name_at : name_at + 4])
    return kinds


def _item_locations(data: mmap | bytes, at: int, end: int) -> dict[int, list[tuple[int, int]]]:
    """Extents of the items that are stored by their offset in the file."""
    version, sizes = data[at], struct.unpack_from(">H", data, at + 4)[0]
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    position = at + 6

    def number(size: int) -> int:
        nonlocal position
        if position + size > end:
            raise struct.error
        position += size
        return int.from_bytes(data[position - size : position])

    wide = 4 if version == 2 else 2
    places: dict[int, list[tuple[int, int]]] = {}
    for _ in range(min(number(wide), MAX_ITEMS)):
        item = number(wide)
        method = number(2) & 15 if version else 0
        number(2)  # data reference
        base = number(base_size)
        extents = []
        for _ in range(number(2)):
            number(index_size if version else 0)
            offset = number(offset_size)
            extents.append((base + offset, number(length_size)))
        if method == 0:
            places[item] = extents
    return places
