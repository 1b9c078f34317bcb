"""What a file of splats claims to hold, read from its first bytes alone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.splats.formats.antimatter_splat import RECORD
from scan2sim.splats.formats.compressed_ply import is_compressed_ply
from scan2sim.splats.formats.ply_header import read_ply_header
from scan2sim.splats.formats.spz_container import GZIP_MAGIC, MAGIC

__all__ = ["count_splats", "looks_like_antimatter_splat"]

LOOKED_AT = 1000  # records of a .splat file
PLAUSIBLE = 0.95  # share of them that could be Gaussians
UNIT = (0.9, 1.1)  # length of a quaternion of bytes
HEAD = 4096  # [bytes] of a gzip stream, more than its own header takes


def count_splats(path: Path) -> int | None:
    """How many Gaussians a PLY, SPZ or ``.splat`` file claims to hold; None if it holds something else.

    A PLY without the properties of Gaussians is something else: a mesh or a cloud of points.

    Raises:
        SceneError: it cannot be read, or is a PLY or SPZ whose header is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    if head.startswith(b"ply"):
        header = read_ply_header(path)
        vertex = header.find("vertex")
        is_ours = vertex is not None and (is_compressed_ply(header) or "f_dc_0" in vertex.names)
        return vertex.count if vertex is not None and is_ours else None
    if head.startswith(GZIP_MAGIC):
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 16)
        except zlib.error:
            return None
    if head.startswith(MAGIC):
        if len(head) < 12:
            raise SceneError("cut off in its header", path=path, todo="copy it again")
        return int(struct.unpack_from("<I", head, 8)[0])
    return path.stat().st_size // RECORD.itemsize if looks_like_antimatter_splat(path) else None


def looks_like_antimatter_splat(path: Path) -> bool:
    """Whether a file could be ``.splat``, which has no mark: whole records of positive sizes and unit quaternions."""
    size = path.stat().st_size
    if size == 0 or size % RECORD.itemsize:
        return False
    records = np.fromfile(path, RECORD, min(LOOKED_AT, size // RECORD.itemsize))
    good = np.isfinite(records["mean"]).all(1) & np.isfinite(records["scale"]).all(1)
    good &= (records["scale"] >= 0).all(1) & _is_unit(records["quat"])
    return bool(good.mean() >= PLAUSIBLE)


def _is_unit(quats: NDArray[np.uint8]) -> NDArray[np.bool_]:  # (N, 4) bytes
    length = np.linalg.norm((quats.astype(np.float64) - 128) / 128, axis=1)
    return (length > UNIT[0]) & (length < UNIT[1])
