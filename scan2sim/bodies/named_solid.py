"""A solid that a word names, as in ``box:0.1x0.1x0.1``: the one place where such words are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

import trimesh

from scan2sim.errors import UsageError

__all__ = ["LARGEST", "SOLIDS", "NamedSolid", "read_solid", "solid_of_word"]

Kind = Literal["box", "sphere", "cylinder"]
SOLIDS: dict[str, int] = {"box": 3, "sphere": 1, "cylinder": 2}  # kinds and how many sizes each has
LARGEST = 10.0  # [m] of a body; larger ones are in other units
SECTIONS = 48  # of a cylinder's mesh


@dataclass(frozen=True)
class NamedSolid:
    """A box, sphere or cylinder about its middle; a cylinder stands along z."""

    kind: Kind
    sizes: tuple[float, ...]  # [m] a box's sides; a sphere's radius; a cylinder's radius and height

    def mesh(self) -> trimesh.Trimesh:
        """Its surface as triangles."""
        if self.kind == "box":
            return trimesh.creation.box(self.sizes)
        if self.kind == "sphere":
            return trimesh.creation.icosphere(subdivisions=3, radius=self.sizes[0])
        return trimesh.creation.cylinder(radius=self.sizes[0], height=self.sizes[1], sections=SECTIONS)


def read_solid(word: str) -> NamedSolid:
    """The solid of ``box:AxBxC`` (its sides), ``sphere:R`` or ``cylinder:RxH`` about z, [m].

    Raises:
        UsageError: it is none of these, or its sizes are no lengths of at most 10 m.
    """
    kind, _, rest = word.partition(":")
    texts = rest.split("x") if rest else []
    if SOLIDS.get(kind) != len(texts):
        raise UsageError(f"“{word}” is no solid", todo="give box:AxBxC, sphere:R or cylinder:RxH, in metres")
    sizes = tuple(_length(text, word) for text in texts)
    if max(sizes) > LARGEST:
        raise UsageError(f"“{word}” is larger than {LARGEST:g} m", todo="give its sizes in metres")
    return NamedSolid(cast(Kind, kind), sizes)


def solid_of_word(word: str) -> trimesh.Trimesh:
    """The mesh of what :func:`read_solid` reads."""
    return read_solid(word).mesh()


def _length(text: str, word: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"“{text}” in “{word}” is no number > 0", todo="give it in metres, as in box:0.1x0.1x0.1")
    return value
