"""Splats in any known format: chosen by what a file holds when reading, by its name when writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scan2sim.errors import SceneError, UsageError
from scan2sim.splats.formats.antimatter_splat import read_antimatter_splat, write_antimatter_splat
from scan2sim.splats.formats.compressed_ply import is_compressed_ply, read_compressed_ply, write_compressed_ply
from scan2sim.splats.formats.ply import read_ply, write_ply
from scan2sim.splats.formats.ply_header import read_ply_header
from scan2sim.splats.formats.recognize import looks_like_antimatter_splat
from scan2sim.splats.formats.spz import read_spz, write_spz
from scan2sim.splats.gaussians import Gaussians

__all__ = ["SPLAT_SUFFIXES", "read_splats", "write_splats"]

_WRITERS: dict[str, Callable[[Gaussians, Path], None]] = {
    ".compressed.ply": write_compressed_ply,  # before .ply, which it ends with
    ".ply": write_ply,
    ".spz": write_spz,
    ".splat": write_antimatter_splat,
}
SPLAT_SUFFIXES = tuple(_WRITERS)


def read_splats(path: Path) -> Gaussians:
    """Read a PLY file (INRIA's or the compressed one), an SPZ or a ``.splat`` file.

    PLY and SPZ are known by their first bytes, whatever the file is called; ``.splat``, which has no mark, by its name
    or by records that could be Gaussians.

    Raises:
        SceneError: the file is missing, of no known format, cut off or damaged.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    if start.startswith((b"\x1f\x8b", b"NGSP")):
        return read_spz(path)
    if start.startswith(b"ply"):
        return read_compressed_ply(path) if is_compressed_ply(read_ply_header(path)) else read_ply(path)
    if path.name.lower().endswith(".splat") or looks_like_antimatter_splat(path):
        return read_antimatter_splat(path)
    raise SceneError(f"holds no splats of a known format: {', '.join(SPLAT_SUFFIXES)}", path=path)


def write_splats(gaussians: Gaussians, path: Path) -> None:
    """Write Gaussians in the format that the suffix of ``path`` names; the file is whole or absent.

    Only ``.ply`` keeps all numbers and the object ids; what the others lose stands at their own functions.

    Raises:
        UsageError: no known suffix.
        SceneError: values that are not finite, which only ``.ply`` can hold, or too far away for ``.spz``.
        OutputError: it cannot be written there.
    """
    for suffix, write in _WRITERS.items():
        if path.name.lower().endswith(suffix):
            return write(gaussians, path)
    raise UsageError(f"{path.name}: no known suffix of a splat file", todo=f"choose one of {', '.join(SPLAT_SUFFIXES)}")
