"""How alike a scene rests in every simulator that it was written for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["parity", "parity_text"]


def parity(checks: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """By object, how far it moves in two seconds in each format's simulator [mm], from the figures of their checks.

    A stage that PhysX stepped too has a column for that, and one for how far apart PhysX and MuJoCo leave the object.
    """
    columns: dict[str, dict[str, float | None]] = {}
    for name, figures in checks.items():
        if isinstance(figures.get("drift_mm"), dict):
            columns[name] = figures["drift_mm"]
        physx = figures.get("physx")
        if isinstance(physx, dict):
            columns[f"{name} in PhysX"] = physx["drift_mm"]
            columns["PhysX from MuJoCo"] = {thing: apart["mm"] for thing, apart in physx["apart"].items()}
    things = dict.fromkeys(thing for column in columns.values() for thing in column)
    return {thing: {name: column.get(thing) for name, column in columns.items()} for thing in things}


def parity_text(table: Mapping[str, Mapping[str, float | None]]) -> str:
    """The table in lines of text."""
    if not table:
        return ""
    names = list(next(iter(table.values())))
    title = "moves in 2 s [mm]"
    first = max(len(title), *map(len, table))
    lines = ["  ".join([title.ljust(first), *names])]
    for thing, row in table.items():
        cells = ("–" if row[name] is None else f"{row[name]:.2f}" for name in names)
        lines.append(
            "  ".join([thing.ljust(first), *(cell.rjust(len(n)) for cell, n in zip(cells, names, strict=True))])
        )
    return "\n".join(lines)
