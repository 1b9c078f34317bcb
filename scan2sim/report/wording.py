"""Figures as people read them: units that fit the size, never more digits than the figure is worth."""

from __future__ import annotations

import math
from typing import Any

from scan2sim.scene import Estimate, SceneObject

__all__ = ["duration", "estimate", "figure", "figures", "interval", "mass", "memory", "size", "volume"]

_SUFFIXES = {  # of figure names → the unit and its digits after the point
    "_px": ("px", 2),
    "_mm": ("mm", 1),
    "_cm": ("cm", 1),
    "_m": ("m", 3),
    "_deg": ("°", 1),
    "_kg": ("kg", 3),
    "_mib": ("MiB", 0),
    "_seconds": ("s", 1),
    "_psnr": ("dB", 1),
}


def mass(kilograms: float, digits: int = 3) -> str:
    """A mass in mg, g or kg."""
    if kilograms < 1e-3:
        return f"{_digits(kilograms * 1e6, digits)} mg"
    return f"{_digits(kilograms * 1e3, digits)} g" if kilograms < 1 else f"{_digits(kilograms, digits)} kg"


def volume(cubic_metres: float, digits: int = 3) -> str:
    """A volume in cm³ or litres."""
    if cubic_metres < 1e-3:
        return f"{_digits(cubic_metres * 1e6, digits)} cm³"
    return f"{_digits(cubic_metres * 1e3, digits)} l"


def size(thing: SceneObject) -> str:
    """The edges of an object's bounding box in its own frame, in cm."""
    return " × ".join(f"{edge * 100:.1f}" for edge in thing.visual.extents) + " cm"


def interval(value: Estimate, unit: str) -> str:
    """The ends of an estimate: ``unit`` is mass, volume or plain."""
    write = _WRITERS[unit]
    return f"{write(value.low, 2)} – {write(value.high, 2)}"


def estimate(value: Estimate, unit: str) -> str:
    """The middle of an estimate; a guess is not worth a third digit."""
    return _WRITERS[unit](value.value, 2 if value.source == "guess" else 3)


def duration(seconds: float | None) -> str:
    """Seconds up to two minutes, then minutes and seconds."""
    if seconds is None:
        return "not measured"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def memory(mebibytes: float | None) -> str:
    """MiB, or GiB from one on."""
    if mebibytes is None:
        return "not measured"
    return f"{mebibytes:.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"


def figure(name: str, value: Any, absent: str = "not measured") -> str:
    """One figure with the unit that its name ends in."""
    if value is None:
        return absent
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)[:200]
    for suffix, (unit, digits) in _SUFFIXES.items():
        if name.endswith(suffix):
            return f"{value:,.{digits}f} {unit}"
    return f"{value:,d}" if isinstance(value, int) else _digits(value)


def figures(values: dict[str, Any], absent: str = "not measured") -> list[tuple[str, str]]:
    """A dictionary of figures as (name, text) rows; nested ones are joined to their parent's name, lists counted."""
    rows = []
    for name, value in values.items():
        title = str(name).replace("_", " ")
        if isinstance(value, dict):
            rows += [(f"{title} · {inner}", text) for inner, text in figures(value, absent)]
        elif isinstance(value, list | tuple):
            short = len(value) <= 6 and all(not isinstance(v, dict | list | tuple) for v in value)
            rows.append(
                (title, ", ".join(figure(str(name), v, absent) for v in value) if short else f"{len(value)} entries")
            )
        else:
            rows.append((title, figure(str(name), value, absent)))
    return rows


def _digits(value: float, digits: int = 3) -> str:
    """So many significant digits, without an exponent where that stays short."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    after_point = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, after_point):,.{max(0, after_point)}f}"


_WRITERS = {"mass": mass, "volume": volume, "plain": _digits}
