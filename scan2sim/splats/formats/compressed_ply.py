"""Compressed PLY files of SuperSplat and PlayCanvas: 16 bytes per Gaussian, and a byte per higher SH coefficient.

Every 256 Gaussians share a row of the element ``chunk`` with the smallest and largest position, log scale and base
colour; a Gaussian's own words hold the place between them: position and log scale in 11, 10 and 11 bits, colour and
opacity in four bytes, and the rotation as the index of its largest component (wxyz) with 10 bits for each other one.
Files of earlier versions have no colour bounds; their colours lie between 0 and 1.  An element ``sh`` holds
``f_rest_*`` channel by channel as bytes over -4..4.  Object ids are not kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.splats.formats.arrays import Arrays, arrays_of, finite_gaussians
from scan2sim.splats.formats.morton import morton_order
from scan2sim.splats.formats.ply_header import PlyElement, PlyHeader, read_ply_element, read_ply_header
from scan2sim.splats.formats.quantize import (
    logits_from_opacity_bytes,
    opacity_bytes,
    quaternions_from_smallest_three,
    smallest_three,
    unit_quaternions,
)
from scan2sim.splats.gaussians import SH_C0, Gaussians

__all__ = ["is_compressed_ply", "read_compressed_ply", "write_compressed_ply"]

CHUNK = 256
STEPS = 1023  # of a rotation's component, 10 bits
SH_RANGE = 8.0
LOG_SCALE_LIMIT = 20.0

_WORDS = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_POSITION = tuple(f"{side}_{axis}" for side in ("min", "max") for axis in "xyz")
_SCALE = tuple(f"{side}_scale_{axis}" for side in ("min", "max") for axis in "xyz")
_COLOR = tuple(f"{side}_{channel}" for side in ("min", "max") for channel in "rgb")
_BITS_VECTOR = (11, 10, 11)
_BITS_COLOR = (8, 8, 8, 8)


def is_compressed_ply(header: PlyHeader) -> bool:
    """Is it this kind of PLY file?"""
    vertex = header.find("vertex")
    return header.find("chunk") is not None and vertex is not None and _WORDS[0] in vertex.names


def write_compressed_ply(gaussians: Gaussians, path: Path, *, keep_order: bool = False) -> None:
    """Write Gaussians; the file is whole or absent.

    Largest errors: positions and log scales half a step of the chunk's extent, which has 2047, 1023 and 2047 steps;
    base colours 1/510 of the chunk's range; opacity 1/510; rotations 0.24°, but 0.4° where two components tie for the
    largest; higher SH 1/64 within ±4, cut beyond.

    Args:
        gaussians: what to write.
        path: the file, by custom ``*.compressed.ply``.
        keep_order: do not sort into Morton order, which makes chunks large and so positions coarse.

    Raises:
        SceneError: a Gaussian holds values that are not finite.
        OutputError: it cannot be written there.
    """
    arrays = arrays_of(gaussians, path)
    if not keep_order:
        order = morton_order(arrays.means)
        arrays = Arrays(*(values[order] for values in arrays))
    n, rest_count = len(arrays.means), 3 * (arrays.sh.shape[1] - 1)

    colors = arrays.sh[:, 0].astype(np.float64) * SH_C0 + 0.5
    log_scales = np.clip(arrays.log_scales, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT)
    position, position_bounds = _within_chunks(arrays.means)
    scale, scale_bounds = _within_chunks(log_scales)
    color, color_bounds = _within_chunks(colors)
    words = {
        "packed_position": _pack(position, _BITS_VECTOR),
        "packed_rotation": _pack_rotation(unit_quaternions(arrays.quats)),
        "packed_scale": _pack(scale, _BITS_VECTOR),
        "packed_color": _pack(color, _BITS_COLOR[:3]) << np.uint32(8) | opacity_bytes(arrays.opacity_logits),
    }
    vertices = np.stack([words[name] for name in _WORDS], -1).astype("<u4")
    chunks = np.concatenate([position_bounds, scale_bounds, color_bounds], 1).astype("<f4")
    rest = arrays.sh[:, 1:].transpose(0, 2, 1).reshape(n, rest_count).astype(np.float64)
    harmonics = np.clip(np.floor((rest / SH_RANGE + 0.5) * 256), 0, 255).astype(np.uint8)

    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {len(chunks)}"]
    lines += [f"property float {name}" for name in (*_POSITION, *_SCALE, *_COLOR)]
    lines += [f"element vertex {n}", *(f"property uint {name}" for name in _WORDS)]
    if rest_count:
        lines += [f"element sh {n}", *(f"property uchar f_rest_{i}" for i in range(rest_count))]
    header = "\n".join([*lines, "end_header"]) + "\n"
    write_bytes(path, header.encode("ascii") + chunks.tobytes() + vertices.tobytes() + harmonics.tobytes())


def read_compressed_ply(path: Path) -> Gaussians:
    """Read Gaussians in the order of the file.

    Raises:
        SceneError: the file is missing, not such a PLY, cut off, or holds values that are not finite.
    """
    header = read_ply_header(path)
    n, coefficients = _check_elements(header, path)
    chunks = read_ply_element(path, header, "chunk")
    vertices = read_ply_element(path, header, "vertex")
    index = np.arange(n) // CHUNK

    def between(names: tuple[str, ...], places: NDArray[Any]) -> NDArray[Any]:  # (n, 3)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused at the end
            low, high = (
                np.stack([chunks[name].astype(np.float64) for name in side], -1)[index]
                for side in (names[:3], names[3:])
            )
            return low * (1 - places) + high * places

    color = _unpack(vertices["packed_color"], _BITS_COLOR)
    base = between(_COLOR, color[:, :3]) if _COLOR[0] in (chunks.dtype.names or ()) else color[:, :3]
    sh = np.zeros((n, 1 + coefficients, 3), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        sh[:, 0] = (base - 0.5) / SH_C0
    if coefficients:
        rows = read_ply_element(path, header, "sh")
        levels = np.stack([rows[f"f_rest_{i}"] for i in range(3 * coefficients)], -1)
        places = np.where(levels == 0, 0, np.where(levels == 255, 1, (levels + np.float32(0.5)) / 256))
        sh[:, 1:] = ((places - 0.5) * SH_RANGE).reshape(n, 3, coefficients).transpose(0, 2, 1)
    return finite_gaussians(
        Arrays(
            means=between(_POSITION, _unpack(vertices["packed_position"], _BITS_VECTOR)),
            quats=_unpack_rotation(vertices["packed_rotation"]),
            log_scales=between(_SCALE, _unpack(vertices["packed_scale"], _BITS_VECTOR)),
            opacity_logits=logits_from_opacity_bytes((vertices["packed_color"] & 255).astype(np.uint8)),
            sh=sh,
        ),
        path,
    )


def _check_elements(header: PlyHeader, path: Path) -> tuple[int, int]:
    """Number of Gaussians, and of SH coefficients above the constant one."""
    vertex = _element(header, "vertex", _WORDS, "<u4", path)
    needed = (*_POSITION, *_SCALE, *_COLOR)
    chunk = header.find("chunk")
    if chunk is not None and not set(_COLOR) & set(chunk.names):
        needed = (*_POSITION, *_SCALE)
    chunk = _element(header, "chunk", needed, "<f4", path)
    if chunk.count != -(-vertex.count // CHUNK):
        raise SceneError(
            f"{chunk.count} chunks for {vertex.count} Gaussians, expected {-(-vertex.count // CHUNK)}", path=path
        )
    sh = header.find("sh")
    if sh is None:
        return vertex.count, 0
    rest = sum(name.startswith("f_rest_") for name in sh.names)
    if rest not in (9, 24, 45):
        raise SceneError(f"{rest} properties f_rest_*, expected 9, 24 or 45", path=path)
    _element(header, "sh", tuple(f"f_rest_{i}" for i in range(rest)), "<u1", path)
    if sh.count != vertex.count:
        raise SceneError(f"{sh.count} rows of element sh for {vertex.count} Gaussians", path=path)
    return vertex.count, rest // 3


def _element(header: PlyHeader, name: str, needed: tuple[str, ...], kind: str, path: Path) -> PlyElement:
    element = header.find(name)
    if element is None:
        raise SceneError(f"no “element {name}” in the header, which a compressed PLY has", path=path)
    kinds = dict(element.fields)
    wrong = [prop for prop in needed if kinds.get(prop) != kind]
    if wrong:
        raise SceneError(f"element {name}: {', '.join(wrong)} missing or of another type than {kind}", path=path)
    return element


def _within_chunks(
    values: NDArray[Any],  # (N, 3)
) -> tuple[NDArray[Any], NDArray[np.float32]]:  # (N, 3) in 0..1, (chunks, 6)
    """Where values lie between the bounds of their chunk, and the bounds."""
    single = values.astype(np.float32)
    starts = np.arange(0, len(values), CHUNK)
    low, high = np.minimum.reduceat(single, starts), np.maximum.reduceat(single, starts)
    index = np.arange(len(values)) // CHUNK
    extent = high.astype(np.float64) - low
    places = (values - low[index].astype(np.float64)) / np.where(extent > 0, extent, 1)[index]
    return np.clip(places, 0, 1), np.concatenate([low, high], 1)


def _pack(places: NDArray[Any], bits: tuple[int, ...]) -> NDArray[np.uint32]:
    """Numbers in 0..1, the first into the highest bits."""
    word = np.zeros(len(places), np.uint32)
    for i, width in enumerate(bits):
        level = np.floor(places[:, i] * ((1 << width) - 1) + 0.5).astype(np.uint32)
        word = word << np.uint32(width) | level
    return word


def _unpack(words: NDArray[Any], bits: tuple[int, ...]) -> NDArray[np.float64]:
    places, shift = np.empty((len(words), len(bits))), 0
    for i in reversed(range(len(bits))):
        top = (1 << bits[i]) - 1
        places[:, i] = (words >> np.uint32(shift) & np.uint32(top)) / top
        shift += bits[i]
    return places


def _pack_rotation(quats: NDArray[np.float64]) -> NDArray[np.uint32]:
    index, numbers = smallest_three(quats, STEPS)
    levels = ((numbers + STEPS) // 2).astype(np.uint32)
    word = index.astype(np.uint32)
    for axis in range(3):
        word = word << np.uint32(10) | levels[:, axis]
    return word


def _unpack_rotation(words: NDArray[Any]) -> NDArray[np.float64]:
    levels = np.stack([words >> np.uint32(shift) & np.uint32(1023) for shift in (20, 10, 0)], -1)
    return quaternions_from_smallest_three(words >> np.uint32(30), 2 * levels.astype(np.int64) - STEPS, STEPS)
