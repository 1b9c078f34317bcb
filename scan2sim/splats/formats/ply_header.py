"""PLY files, binary little endian: the header, and one element's rows read within the bounds of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import SceneError

__all__ = ["MAX_GAUSSIANS", "PlyElement", "PlyHeader", "read_ply_element", "read_ply_header"]

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


@dataclass(frozen=True)
class PlyElement:
    """One element of a PLY file."""

    name: str
    count: int
    fields: tuple[tuple[str, str], ...]  # names of the properties with their numpy types
    has_lists: bool  # then its size in bytes is not known

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its properties."""
        return tuple(name for name, _ in self.fields)

    @property
    def dtype(self) -> np.dtype:
        """One row."""
        return np.dtype(list(self.fields))


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file holds."""

    elements: tuple[PlyElement, ...]
    size: int  # [bytes]; the first element begins there

    def find(self, name: str) -> PlyElement | None:
        """The element of that name."""
        return next((element for element in self.elements if element.name == name), None)


def read_ply_header(path: Path) -> PlyHeader:
    """Read the header, at most 64 KiB of the file.

    Raises:
        SceneError: the file is missing, not a binary little endian PLY, or claims more than is ever read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_HEADER_BYTES)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    lines, size = _lines(text, path)
    elements: list[PlyElement] = []
    fields: list[tuple[str, str]] = []
    form, name, count, lists = "", "", 0, False

    def close() -> None:
        if name:
            elements.append(PlyElement(name, count, tuple(fields), lists))

    for line in lines:
        match line.split():
            case ["format", word, _]:
                form = word
            case ["comment" | "obj_info", *_] | []:
                pass
            case ["element", word, number]:
                close()
                if word in (element.name for element in elements):
                    raise SceneError(f"element {word[:40]} stands in the header twice", path=path)
                name, count, fields, lists = word, _count(number, path), [], False
            case ["property", "list", _, _, _] if name:
                lists = True
            case ["property", kind, word] if name:
                if kind not in _TYPES:
                    raise SceneError(f"property {word[:40]} has the unknown type {kind[:40]}", path=path)
                fields.append((word, _TYPES[kind]))
            case _:
                raise SceneError(f"header line not understood: {line[:80]!r}", path=path)
    close()
    if form != "binary_little_endian":
        raise SceneError(f"PLY format {form[:40] or 'missing'}, expected binary_little_endian", path=path)
    for element in elements:
        if len(element.fields) > MAX_PROPERTIES:
            raise SceneError(f"{len(element.fields)} properties, at most {MAX_PROPERTIES} are read", path=path)
        if len(set(element.names)) != len(element.names):
            raise SceneError("a property stands in the header twice", path=path)
    return PlyHeader(tuple(elements), size)


def read_ply_element(path: Path, header: PlyHeader, name: str) -> NDArray[np.void]:  # (count,)
    """Read all rows of one element; nothing is allocated that the file is too small for.

    Raises:
        SceneError: there is no such element, it holds lists or stands after one that does, or the file is cut off.
    """
    start = header.size
    for element in header.elements:
        if element.has_lists:
            raise SceneError(f"{element.name[:40]} with lists: not splats", path=path)
        if element.name == name:
            break
        start += element.count * element.dtype.itemsize
    else:
        raise SceneError(f"no “element {name}” in the header", path=path)
    end = start + element.count * element.dtype.itemsize
    try:
        size = path.stat().st_size
        if size < end:
            raise SceneError(
                f"cut off: {size} bytes, but {element.count} Gaussians need {end}", path=path, todo="copy it again"
            )
        with path.open("rb") as file:
            file.seek(start)
            rows = np.fromfile(file, dtype=element.dtype, count=element.count)
    except OSError as problem:
        raise SceneError(f"cannot be read ({problem.strerror})", path=path) from None
    if len(rows) != element.count:
        raise SceneError(f"cut off: {len(rows)} of {element.count} Gaussians are there", path=path)
    return rows


def _lines(text: bytes, path: Path) -> tuple[list[str], int]:
    """The header's lines between “ply” and “end_header”, and its size in bytes."""
    lines: list[str] = []
    start = 0
    while True:
        end = text.find(b"\n", start)
        if end < 0:
            raise SceneError("not a PLY file: its header does not end", path=path)
        line = text[start:end].rstrip(b"\r").decode("ascii", "replace")
        start = end + 1
        if not lines and line != "ply":
            raise SceneError("not a PLY file: it does not begin with “ply”", path=path)
        if line == "end_header":
            return lines[1:], start
        lines.append(line)


def _count(number: str, path: Path) -> int:
    if not number.isascii() or not number.isdigit() or len(number) > 12 or int(number) > MAX_GAUSSIANS:
        raise SceneError(f"element count {number[:20]!r}, expected 0 to {MAX_GAUSSIANS}", path=path)
    return int(number)
