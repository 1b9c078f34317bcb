"""How alike a scene is, and rests, in every program and simulator that it was written for: one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scan2sim.export.readings import engines_apart

__all__ = ["parity", "parity_text"]

READINGS = {"mass": "mass ±", "inertia": "inertia ±", "position_m": "at load [mm]"}  # worst of all objects


def parity(checks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What the checks of several formats found, side by side.

    Returns:
        ``columns``: by ``<format> <program>`` the ``reading`` (worst errors of mass and inertia, as parts of one, and
        of the position at load) and ``drift_mm``, how far each object moves in two seconds, where the program steps;
        ``apart``: by object how far apart the programs leave it, ``mm``, ``deg`` and ``between`` which;
        ``differ``: sentences on those more than 2 mm or 2° apart; ``not_checked``: by format or engine, why.
    """
    engines = {
        f"{name} {engine}": run
        for name, figures in checks.items()
        for engine, run in figures.get("engines", {}).items()
    }
    apart, differ = engines_apart({label: run for label, run in engines.items() if "after" in run})
    absent = {
        f"{name} {engine}": why
        for name, figures in checks.items()
        for engine, why in figures.get("not_checked", {}).items()
    }
    columns = {
        label: {key: run[key] for key in ("reading", "drift_mm", "version") if key in run}
        for label, run in engines.items()
    }
    return {"columns": columns, "apart": apart, "differ": differ, "not_checked": absent}


def parity_text(table: Mapping[str, Any]) -> str:
    """The table in lines of text."""
    columns = table["columns"]
    if not columns:
        return ""
    things = dict.fromkeys(thing for column in columns.values() for thing in column.get("drift_mm", {}))
    rows = [["moves in 2 s [mm]", *columns, "farthest apart"]]
    for thing in things:
        drifts = [column.get("drift_mm", {}).get(thing) for column in columns.values()]
        apart = table["apart"].get(thing)
        ends = f"{apart['mm']:.2f} mm {apart['deg']:.1f}°" if apart else "–"
        rows.append([thing, *("–" if drift is None else f"{drift:.2f}" for drift in drifts), ends])
    for key, title in READINGS.items():
        factor = 1000 if key == "position_m" else 1
        errors = [column["reading"][key] * factor if "reading" in column else None for column in columns.values()]
        rows.append([title, *("–" if error is None else f"{error:.0e}" for error in errors), ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
    lines += [f"differs: {sentence}" for sentence in table["differ"]]
    lines += [f"{label}: {why}" for label, why in table["not_checked"].items()]
    return "\n".join(lines)
