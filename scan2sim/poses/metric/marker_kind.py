"""How a person names a printed marker: ``tag36h11:0.05`` or ``charuco-5x7-4x4_50:0.04:0.03``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2

from scan2sim.errors import UsageError

__all__ = ["MARKER_FAMILIES", "Marker", "parse_marker"]

MARKER_FAMILIES = {
    "tag16h5": cv2.aruco.DICT_APRILTAG_16h5,
    "tag25h9": cv2.aruco.DICT_APRILTAG_25h9,
    "tag36h10": cv2.aruco.DICT_APRILTAG_36h10,
    "tag36h11": cv2.aruco.DICT_APRILTAG_36h11,
    "aruco": cv2.aruco.DICT_ARUCO_ORIGINAL,
    **{
        f"{bits}x{bits}_{count}": getattr(cv2.aruco, f"DICT_{bits}X{bits}_{count}")
        for bits in (4, 5, 6, 7)
        for count in (50, 100, 250, 1000)
    },
}
LONGEST = 5.0  # [m] of a marker's side
MOST_SQUARES = 64  # of a board, along a side


@dataclass(frozen=True)
class Marker:
    """Printed markers of one family and size, or a ChArUco board."""

    family: str  # a key of MARKER_FAMILIES
    side: float  # [m] of the black square; of a board, of its markers
    squares: tuple[int, int] | None = None  # columns and rows of a board, None for single markers
    square: float = 0.0  # [m] of a board's squares


def parse_marker(text: str) -> Marker:
    """Read ``FAMILY:SIDE`` or ``charuco-COLUMNSxROWS-FAMILY:SQUARE:MARKER``, sizes in metres.

    Raises:
        UsageError: it says something else, or sizes that no print has.
    """
    name, *sizes = text.strip().lower().split(":")
    lengths = [_length(size, text) for size in sizes]
    if not name.startswith("charuco"):
        if len(lengths) != 1:
            raise _wrong(text, "a marker has one size")
        return Marker(_family(name, text), lengths[0])
    _, _, rest = name.partition("-")
    counts, _, family = rest.partition("-")
    columns, _, rows = counts.partition("x")
    if not (columns.isdigit() and rows.isdigit() and all(2 < int(n) <= MOST_SQUARES for n in (columns, rows))):
        raise _wrong(text, f"a board has 3 to {MOST_SQUARES} squares along each side")
    if len(lengths) != 2 or lengths[1] >= lengths[0]:
        raise _wrong(text, "a board has two sizes, of its squares and of the smaller markers in them")
    return Marker(_family(family, text), lengths[1], (int(columns), int(rows)), lengths[0])


def _family(name: str, text: str) -> str:
    if name not in MARKER_FAMILIES:
        raise _wrong(text, f"there is no family “{name}”; known are {', '.join(MARKER_FAMILIES)}")
    return name


def _length(text: str, whole: str) -> float:
    try:
        length = float(text)
    except ValueError:
        raise _wrong(whole, f"“{text}” is no length") from None
    if not (math.isfinite(length) and 0 < length <= LONGEST):
        raise _wrong(whole, f"a side of {length:g} m; sizes are in metres, up to {LONGEST:g}")
    return length


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"“{text}” is no marker: {why}",
        todo="give FAMILY:SIDE with the side of the black square in metres, as in tag36h11:0.05, or a board as in "
        "charuco-5x7-4x4_50:0.04:0.03 (columns x rows, family, side of a square, side of a marker)",
    )
