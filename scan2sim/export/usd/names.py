"""Names that USD allows: prims are C identifiers, files of SimReady assets lower case."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["file_stem", "identifiers"]

MAX_STEM = 64  # characters of a file's name
RESERVED = {"Background", "Joints", "Lights", "PhysicsScene"}  # what stands beside the objects
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])")  # no file may be called so on Windows


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """A different USD prim name for each name: ``2-cups`` → ``_2_cups``; equal ones are numbered."""
    taken: set[str] = set(RESERVED)
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"[^A-Za-z0-9_]", "_", name)
        word = word if re.match(r"[A-Za-z_]", word) else f"_{word}"
        unique, count = word, 1
        while unique in taken:
            count += 1
            unique = f"{word}_{count}"
        taken.add(unique)
        found[name] = unique
    return found


def file_stem(title: str) -> str:
    """``My Table!`` → ``my_table``; ``scene`` where no letter or digit is left."""
    stem = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:MAX_STEM].strip("_")
    if not stem:
        return "scene"
    return f"scene_{stem}" if stem[0].isdigit() or DEVICES.fullmatch(stem) else stem
