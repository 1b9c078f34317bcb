"""What was changed in a cousin: the record that makes each one explain itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

__all__ = ["PARTS", "Change", "Part"]

Part = Literal["shape", "category", "layout", "physics", "appearance", "light", "clutter"]
"""What ``--vary`` names."""
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Change:
    """One change of one object, or of the scene."""

    part: Part
    kind: str  # what was done: stretch, taper, replace, move, …
    object: str = ""  # the object's name; empty where the whole scene was changed
    values: dict[str, float | str | list[float]] = field(default_factory=dict)  # by how much; names end in their units
