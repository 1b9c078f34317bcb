"""LZFSE, Apple's compression of depth maps: sizes are checked block by block before anything is decompressed."""

from __future__ import annotations

import struct

import lzfse

from scan2sim.errors import CaptureError

__all__ = ["decompress_lzfse"]


def decompress_lzfse(data: bytes, size: int) -> bytes:
    """Decompress a stream that has to hold exactly ``size`` bytes.

    Raises:
        CaptureError: it is damaged, cut off, or holds another number of bytes.
    """
    if len(data) == size and not data.startswith(b"bvx"):
        return data  # stored without compression
    held = _held_bytes(data)
    if held != size:
        raise CaptureError(f"holds {held} bytes instead of {size}")
    try:
        content = lzfse.decompress(data)
    except lzfse.error as problem:
        raise CaptureError(f"damaged ({problem})") from None
    if len(content) != size:
        raise CaptureError(f"holds {len(content)} bytes instead of {size}")
    return content


def _held_bytes(data: bytes) -> int:
    """How much a stream unpacks to, from the headers of its blocks.

    A block starts with its magic and its unpacked size; what follows depends on the kind: stored bytes (``bvx-``), LZVN
    with its packed size (``bvxn``), or entropy-coded with the sizes of header, literals and matches in packed fields
    (``bvx2``); ``bvx$`` ends the stream (lzfse_internal.h of the reference implementation).
    """
    at = total = 0
    try:
        while True:
            magic = data[at : at + 4]
            if magic == b"bvx$":
                return total
            (unpacked,) = struct.unpack_from("<I", data, at + 4)
            if magic == b"bvx-":
                packed = 8 + unpacked
            elif magic == b"bvxn":
                packed = 12 + struct.unpack_from("<I", data, at + 8)[0]
            elif magic == b"bvx2":
                literals, matches, header = struct.unpack_from("<QQQ", data, at + 8)
                packed = (header & 0xFFFFFFFF) + (literals >> 20 & 0xFFFFF) + (matches >> 40 & 0xFFFFF)
            else:
                raise CaptureError("not compressed with LZFSE")
            if packed < 8:
                raise CaptureError("damaged")
            total += unpacked
            at += packed
    except struct.error:
        raise CaptureError("cut off") from None
