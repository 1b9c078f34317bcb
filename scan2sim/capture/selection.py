"""Which frames of a video to keep: sharp, well spread, none twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose_frames"]

BLURRED_BELOW = 0.6  # of the median sharpness of the neighbouring choices
NEIGHBOURS = 4  # choices on either side
STILL_ABOVE = 0.998  # correlation of thumbnails between which the camera did not move


def choose_frames(
    times: NDArray[np.float64],  # (F,) [s]
    sharpness: NDArray[np.float64],  # (F,)
    thumbnails: NDArray[np.float32],  # (F, D) mean 0, norm 1
    count: int,
) -> list[int]:  # indices, ascending, at most `count`
    """The sharpest frame of each of ``count`` equal time windows, less blurred and repeated ones.

    A choice far less sharp than the choices around it (motion blur, a cross-fade) is left out, for its neighbours see
    the same.  Of choices between which the camera did not move only the sharpest stays.
    """
    if len(times) == 0:
        return []
    span = max(float(times.max() - times.min()), 1e-9)
    window = np.minimum((times - times.min()) / span * count, count - 1).astype(int)
    choices = []
    for number in np.unique(window):
        inside = np.flatnonzero(window == number)
        choices.append(int(inside[np.argmax(sharpness[inside])]))
    sharp = []
    for k, choice in enumerate(choices):
        around = choices[max(0, k - NEIGHBOURS) : k + NEIGHBOURS + 1]
        if sharpness[choice] >= BLURRED_BELOW * np.median(sharpness[around]):
            sharp.append(choice)
    kept: list[int] = []
    for choice in sharp:
        if kept and thumbnails[choice] @ thumbnails[kept[-1]] > STILL_ABOVE:
            if sharpness[choice] > sharpness[kept[-1]]:
                kept[-1] = choice
        else:
            kept.append(choice)
    return kept
