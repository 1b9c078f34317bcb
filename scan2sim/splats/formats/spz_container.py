"""The container of SPZ files (Niantic): a header and six streams of bytes, one per attribute, compressed.

Versions 2 and 3 are one gzip stream: a header of 16 bytes, then the streams.  Version 4 has a header of 32 bytes in
plain text, extension records, a table of contents and the streams, each compressed with Zstandard.  Numbers are
little endian.  Version 1 was never released.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn

import numpy as np
import zstandard
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.splats.formats.ply_header import MAX_GAUSSIANS

__all__ = ["GZIP_MAGIC", "MAGIC", "SpzStreams", "pack_spz", "unpack_spz"]

MAGIC = b"NGSP"
GZIP_MAGIC = b"\x1f\x8b"
MAX_DEGREE = 3
MAX_FRACTIONAL_BITS = 24
MAX_RATIO = 100  # no large file is squeezed harder than this
SMALL = 64 << 20  # [bytes]; what unpacks to less than this may be squeezed as hard as it likes
MAX_EXTENSIONS = 64 << 10  # [bytes]
HAS_EXTENSIONS = 2
COORDINATE_SYSTEM = 0xADBE0003  # the type of the extension that names the axes
UNSPECIFIED, RIGHT_UP_BACK = 0, 4

_HEADER = struct.Struct("<4sIIBBBB")
_HEADER_4 = struct.Struct("<4sIIBBBBI12x")
_ENTRY_4 = struct.Struct("<QQ")


@dataclass(frozen=True)
class SpzStreams:
    """The bytes of N Gaussians."""

    version: int  # 2, 3 or 4; what the bytes of the rotations mean depends on it
    degree: int  # of the spherical harmonics, 0..3
    fractional_bits: int  # of the positions
    positions: NDArray[np.uint8]  # (N, 9)
    alphas: NDArray[np.uint8]  # (N, 1)
    colors: NDArray[np.uint8]  # (N, 3)
    scales: NDArray[np.uint8]  # (N, 3)
    rotations: NDArray[np.uint8]  # (N, 3), or (N, 4) from version 3 on
    harmonics: NDArray[np.uint8]  # (N, 3 ((degree + 1)² - 1))


_STREAMS = [field.name for field in fields(SpzStreams)[3:]]


def pack_spz(streams: SpzStreams) -> bytes:
    """The file of version 2 or 3 with these bytes."""
    header = _HEADER.pack(MAGIC, streams.version, len(streams.alphas), streams.degree, streams.fractional_bits, 0, 0)
    return gzip.compress(header + b"".join(getattr(streams, name).tobytes() for name in _STREAMS), 6, mtime=0)


def unpack_spz(path: Path) -> SpzStreams:
    """Read and decompress a file; what its header claims is held against its size before anything is unpacked.

    Raises:
        SceneError: the file is missing, not SPZ of version 2 to 4, cut off, damaged, claims more Gaussians than it can
            hold, has harmonics of degree 4, or axes other than right, up, back.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    if data.startswith(GZIP_MAGIC):
        return _unpack_gzip(data, path)
    if data.startswith(MAGIC):
        return _unpack_4(data, path)
    raise SceneError("not an SPZ file: it begins neither with gzip's mark nor with NGSP", path=path)


def _unpack_gzip(data: bytes, path: Path) -> SpzStreams:
    stream = zlib.decompressobj(wbits=31)  # gzip
    try:
        start = stream.decompress(data, _HEADER.size)
        if len(start) < _HEADER.size:
            _cut_off(path)
        magic, version, count, degree, bits, flags, _ = _HEADER.unpack(start)
        if magic != MAGIC:
            raise SceneError("not an SPZ file: there is something else in this gzip file", path=path)
        if version not in (2, 3):
            raise SceneError(f"SPZ version {version}, read are 2, 3 and 4", path=path)
        widths = _widths(version, degree)
        needed = _check_claims(count, degree, bits, sum(widths), len(data), path)
        extra = MAX_EXTENSIONS if flags & HAS_EXTENSIONS else 0
        body = stream.decompress(stream.unconsumed_tail, needed + extra + 1)
        if len(body) < needed or (len(body) <= needed + extra and not stream.eof):
            _cut_off(path)
    except zlib.error as problem:
        raise SceneError(f"damaged: {problem}", path=path, todo="copy it again") from None
    if len(body) > needed + extra:
        raise SceneError(f"holds more than the {count} Gaussians that its header claims", path=path)
    if extra:
        _check_extensions(body[needed:], path)
    ends = np.cumsum([0, *widths]) * count
    arrays = [
        np.frombuffer(body, np.uint8, count * width, end).reshape(count, width)
        for width, end in zip(widths, ends, strict=False)
    ]
    return SpzStreams(version, degree, bits, *arrays)


def _unpack_4(data: bytes, path: Path) -> SpzStreams:
    if len(data) < _HEADER_4.size:
        _cut_off(path)
    _, version, count, degree, bits, flags, number, table = _HEADER_4.unpack_from(data)
    if version != 4:
        raise SceneError(f"SPZ version {version}, read are 2, 3 and 4", path=path)
    widths = _widths(version, degree)
    _check_claims(count, degree, bits, sum(widths), len(data), path)
    start = table + number * _ENTRY_4.size
    if table < _HEADER_4.size or start > len(data):
        _cut_off(path)
    if flags & HAS_EXTENSIONS:
        _check_extensions(data[_HEADER_4.size : table], path)
    filled = [width for width in widths if count * width]
    if number != len(filled):
        raise SceneError(f"{number} streams, expected {len(filled)}", path=path)
    contents: list[bytes] = []
    for i, width in enumerate(filled):
        packed, unpacked = _ENTRY_4.unpack_from(data, table + i * _ENTRY_4.size)
        if unpacked != count * width:
            raise SceneError(f"stream {i} has {unpacked} bytes, {count} Gaussians need {count * width}", path=path)
        if packed > len(data) - start:
            _cut_off(path)
        contents.append(_decompress(memoryview(data)[start : start + packed], unpacked, path))
        start += packed
    if start != len(data):
        raise SceneError(f"{len(data) - start} bytes follow after the last stream", path=path)
    supply = iter(contents)
    arrays = [np.frombuffer(next(supply) if count * width else b"", np.uint8).reshape(count, width) for width in widths]
    return SpzStreams(version, degree, bits, *arrays)


def _decompress(data: memoryview, size: int, path: Path) -> bytes:
    window = max(8 << 20, 1 << size.bit_length())
    try:
        with zstandard.ZstdDecompressor(max_window_size=window).stream_reader(io.BytesIO(data)) as reader:
            content = reader.read(size)
            beyond = reader.read(1)
    except zstandard.ZstdError as problem:
        raise SceneError(f"damaged: {problem}", path=path, todo="copy it again") from None
    if len(content) != size or beyond:
        raise SceneError("a stream has another size than the table of contents says", path=path)
    return content


def _widths(version: int, degree: int) -> tuple[int, ...]:
    """Bytes per Gaussian in each stream."""
    return 9, 1, 3, 3, 3 if version == 2 else 4, 3 * ((degree + 1) ** 2 - 1)


def _check_claims(count: int, degree: int, bits: int, width: int, size: int, path: Path) -> int:
    """Bytes that a header's Gaussians need."""
    if degree > MAX_DEGREE:
        raise SceneError(f"spherical harmonics of degree {degree}, read are 0 to {MAX_DEGREE}", path=path)
    if bits > MAX_FRACTIONAL_BITS:
        raise SceneError(f"{bits} fractional bits, expected 0 to {MAX_FRACTIONAL_BITS}", path=path)
    needed = count * width
    if count > MAX_GAUSSIANS or needed > max(SMALL, MAX_RATIO * size):
        raise SceneError(f"claims {count} Gaussians, more than {size} bytes can hold", path=path)
    return needed


def _check_extensions(data: bytes, path: Path) -> None:
    """Refuse axes that are not right, up, back; other extensions do not change what the streams mean."""
    at = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        payload = data[at + 8 : at + 8 + length]
        if kind == COORDINATE_SYSTEM:
            axes = struct.unpack("<I", payload)[0] if len(payload) == 4 else -1
            if axes not in (UNSPECIFIED, RIGHT_UP_BACK):
                raise SceneError(
                    f"its axes are those of coordinate system {axes}, read is only {RIGHT_UP_BACK} (right, up, back)",
                    path=path,
                    todo="write it again without the coordinate system extension",
                )
        at += 8 + length


def _cut_off(path: Path) -> NoReturn:
    raise SceneError("cut off, or its header claims more than there is", path=path, todo="copy it again")
