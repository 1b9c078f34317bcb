"""Clocks of recordings that jump are mended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["mend_clock"]

LONG = 5.0  # [s] a pause that no recording makes …
LONGER_THAN_USUAL = 20.0  # … if it is also so many times the usual step


def mend_clock(times: Sequence[float]) -> tuple[tuple[float, ...], str | None]:  # [s], what was odd about them
    """Times that increase: steps backwards, of zero, or far longer than the others become a usual step.

    Frames are spread over a recording by their times, so one jump of an hour would leave two frames of it.
    """
    if len(times) < 3:
        return tuple(times), None
    steps = np.diff(np.nan_to_num(np.asarray(times, dtype=np.float64), posinf=0.0, neginf=0.0))
    forward = steps[steps > 0]
    usual = float(np.median(forward)) if len(forward) else 1 / 30
    jumps = (steps <= 0) | (steps > max(LONG, LONGER_THAN_USUAL * usual))
    if not jumps.any():
        return tuple(times), None
    steps[jumps] = usual
    mended = times[0] + np.concatenate([[0.0], np.cumsum(steps)])
    first = int(np.argmax(jumps)) + 1
    warning = f"its clock jumps {int(jumps.sum())} times, first at frame {first}; times are guessed there"
    return tuple(float(t) for t in mended), warning
