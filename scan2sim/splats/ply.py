"""Splats as PLY files in the layout of Kerbl et al. 2023 (INRIA), which most viewers and trainers read.

Binary little endian, one vertex per Gaussian: ``x y z nx ny nz f_dc_0..2 f_rest_0.. opacity scale_0..2 rot_0..3``;
logit opacities, log scales, wxyz quaternions, SH of the higher bands channel by channel.  An ``int object_id`` may
follow.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scan2sim.errors import SceneError
from scan2sim.files import write_bytes
from scan2sim.splats.gaussians import Gaussians

__all__ = ["read_ply", "write_ply"]

MAX_HEADER_BYTES = 64 << 10
MAX_PROPERTIES = 256
MAX_GAUSSIANS = 100_000_000
_TYPES = {
    **dict.fromkeys(("char", "int8"), "<i1"),
    **dict.fromkeys(("uchar", "uint8"), "<u1"),
    **dict.fromkeys(("short", "int16"), "<i2"),
    **dict.fromkeys(("ushort", "uint16"), "<u2"),
    **dict.fromkeys(("int", "int32"), "<i4"),
    **dict.fromkeys(("uint", "uint32"), "<u4"),
    **dict.fromkeys(("float", "float32"), "<f4"),
    **dict.fromkeys(("double", "float64"), "<f8"),
}
_MEANS = ("x", "y", "z")
_COLORS = tuple(f"f_dc_{i}" for i in range(3))
_SCALES = tuple(f"scale_{i}" for i in range(3))
_QUATS = tuple(f"rot_{i}" for i in range(4))


def write_ply(gaussians: Gaussians, path: Path) -> None:
    """Write Gaussians; the file is whole or absent.

    Raises:
        OutputError: it cannot be written there.
    """
    n, rest = len(gaussians), 3 * (gaussians.sh.shape[1] - 1)
    names = [*_MEANS, "nx", "ny", "nz", *_COLORS, *(f"f_rest_{i}" for i in range(rest)), "opacity", *_SCALES, *_QUATS]
    fields: list[tuple[str, str]] = [(name, "<f4") for name in names]
    if gaussians.object_ids is not None:
        fields.append(("object_id", "<i4"))
    vertices = np.zeros(n, dtype=fields)
    columns = {
        _MEANS: gaussians.means,
        _COLORS: gaussians.sh[:, 0],
        tuple(f"f_rest_{i}" for i in range(rest)): gaussians.sh[:, 1:].transpose(1, 2).flatten(1),
        ("opacity",): gaussians.opacity_logits[:, None],
        _SCALES: gaussians.log_scales,
        _QUATS: gaussians.quats,
    }
    for group, values in columns.items():
        block = values.detach().to("cpu", torch.float32).numpy()
        for i, name in enumerate(group):
            vertices[name] = block[:, i]
    if gaussians.object_ids is not None:
        vertices["object_id"] = gaussians.object_ids.detach().cpu().numpy()
    kinds = {"<f4": "float", "<i4": "int"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
    lines += [f"property {kinds[kind]} {name}" for name, kind in fields]
    write_bytes(path, ("\n".join([*lines, "end_header"]) + "\n").encode("ascii") + vertices.tobytes())


def read_ply(path: Path) -> Gaussians:
    """Read Gaussians; properties may stand in any order, ones that are not needed are skipped.

    Raises:
        SceneError: the file is missing, not such a PLY, cut off, or holds values that are not finite.
    """
    try:
        with path.open("rb") as file:
            header = file.read(MAX_HEADER_BYTES)
            count, fields, start = _parse_header(header, path)
            kind = np.dtype(fields)
            size = path.stat().st_size
            if size < start + count * kind.itemsize:
                raise SceneError(
                    f"cut off: {size} bytes, but {count} Gaussians need {start + count * kind.itemsize}", path=path
                )
            file.seek(start)
            vertices = np.fromfile(file, dtype=kind, count=count)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    if len(vertices) != count:
        raise SceneError(f"cut off: {len(vertices)} of {count} Gaussians are there", path=path)
    return _gaussians(vertices, path)


def _parse_header(header: bytes, path: Path) -> tuple[int, list[tuple[str, str]], int]:
    """Number of vertices, their fields, and where they begin."""
    lines = []
    start = 0
    while True:
        end = header.find(b"\n", start)
        if end < 0:
            raise SceneError("not a PLY file: its header does not end", path=path)
        line = header[start:end].rstrip(b"\r").decode("ascii", "replace")
        start = end + 1
        if not lines and line != "ply":
            raise SceneError("not a PLY file: it does not begin with “ply”", path=path)
        if line == "end_header":
            break
        lines.append(line)

    count, fields, in_vertex, form = -1, [], False, ""
    for line in lines[1:]:
        words = line.split()
        match words:
            case ["format", name, _]:
                form = name
            case ["comment" | "obj_info", *_] | []:
                pass
            case ["element", "vertex", number] if count < 0:
                count, in_vertex = _count(number, path), True
            case ["element", _, number]:
                if count < 0 and _count(number, path):
                    raise SceneError("elements before the vertices are not supported", path=path)
                in_vertex = False
            case ["property", kind, name] if in_vertex:
                if kind not in _TYPES:
                    raise SceneError(f"property {name} has the unknown type {kind}", path=path)
                fields.append((name, _TYPES[kind]))
            case ["property", *_] if not in_vertex and count >= 0:
                pass
            case ["property", "list", *_]:
                raise SceneError("vertices with lists are not splats", path=path)
            case _:
                raise SceneError(f"header line not understood: {line[:80]!r}", path=path)
    if form != "binary_little_endian":
        raise SceneError(f"PLY format {form or 'missing'}, expected binary_little_endian", path=path)
    if count < 0:
        raise SceneError("no “element vertex” in the header", path=path)
    if len(fields) > MAX_PROPERTIES:
        raise SceneError(f"{len(fields)} properties, at most {MAX_PROPERTIES} are read", path=path)
    _check_names([name for name, _ in fields], path)
    return count, fields, start


def _count(number: str, path: Path) -> int:
    if not number.isascii() or not number.isdigit() or len(number) > 12 or int(number) > MAX_GAUSSIANS:
        raise SceneError(f"element count {number[:20]!r}, expected 0 to {MAX_GAUSSIANS}", path=path)
    return int(number)


def _check_names(names: list[str], path: Path) -> None:
    if len(set(names)) != len(names):
        raise SceneError("a property stands in the header twice", path=path)
    missing = [n for n in (*_MEANS, *_COLORS, "opacity", *_SCALES, *_QUATS) if n not in names]
    if missing:
        raise SceneError(
            f"no Gaussian splats: the properties {', '.join(missing)} are missing",
            path=path,
            todo="export splats in the INRIA layout (f_dc_*, opacity, scale_*, rot_*)",
        )
    rest = sum(name.startswith("f_rest_") for name in names)
    if rest not in (0, 9, 24, 45) or any(f"f_rest_{i}" not in names for i in range(rest)):
        raise SceneError(f"{rest} properties f_rest_*, expected f_rest_0 to f_rest_N of 0, 9, 24 or 45", path=path)


def _gaussians(vertices: NDArray[np.void], path: Path) -> Gaussians:
    names = vertices.dtype.names or ()
    rest = sum(name.startswith("f_rest_") for name in names)
    bad = np.zeros(len(vertices), dtype=bool)

    def block(columns: tuple[str, ...]) -> NDArray[np.float32]:
        values = np.zeros((len(vertices), len(columns)), dtype=np.float32)
        with np.errstate(over="ignore"):  # a double too large becomes infinite and is counted
            for i, name in enumerate(columns):
                values[:, i] = vertices[name]
        bad[~np.isfinite(values).all(1)] = True
        return values

    means, quats, log_scales = block(_MEANS), block(_QUATS), block(_SCALES)
    opacity_logits, first = block(("opacity",))[:, 0], block(_COLORS)
    others = block(tuple(f"f_rest_{i}" for i in range(rest))).reshape(len(vertices), 3, rest // 3).transpose(0, 2, 1)
    if bad.any():
        raise SceneError(
            f"{int(bad.sum())} of {len(bad)} Gaussians hold values that are not finite",
            path=path,
            todo="export it again without them",
        )
    ids = None
    if "object_id" in names:
        if vertices["object_id"].dtype.kind not in "iu":
            raise SceneError("object_id is not a whole number, expected an int property", path=path)
        ids = torch.from_numpy(vertices["object_id"].astype(np.int32))
    return Gaussians(
        means=torch.from_numpy(means),
        quats=torch.from_numpy(quats),
        log_scales=torch.from_numpy(log_scales),
        opacity_logits=torch.from_numpy(opacity_logits.copy()),
        sh=torch.from_numpy(np.concatenate([first[:, None], others], 1)),
        object_ids=ids,
    )
