"""JPEG files copied without what they tell about the person: only the picture remains."""

from __future__ import annotations

import re

__all__ = ["strip_metadata"]

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_KEPT_APPLICATION = (0xE0, 0xEE)  # JFIF, and Adobe's, which says how colours are coded
_COMMENT = 0xFE
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def strip_metadata(data: bytes) -> bytes | None:
    """The same picture, bit for bit, without EXIF, GPS, XMP, thumbnails, comments and what follows its end.

    Returns None for files that do not follow ISO/IEC 10918-1, annex B; these have to be encoded anew.
    """
    if data[:2] != bytes((0xFF, _START)):
        return None
    kept = [data[:2]]
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _END:
            return b"".join([*kept, data[at : at + 2]])
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if not (0xE0 <= marker <= 0xEF or marker == _COMMENT) or marker in _KEPT_APPLICATION:
            kept.append(data[at:end])
        if marker == _SCAN:
            following = _SCAN_END.search(data, end)
            if following is None:
                return None
            kept.append(data[end : following.start()])
            end = following.start()
        at = end
    closed = data[at : at + 2] == bytes((0xFF, _END))
    return b"".join([*kept, data[at : at + 2]]) if closed else None
