"""Whether a recording is of the body that it is said to be of: nothing lies below the plane, and something on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.geometry import matrix_from_quaternion
from splatwm.data.recording import Recording, RecordingError

__all__ = ["require_body"]

Array = NDArray[np.float64]
BELOW, BELOW_SHARE = 0.005, 0.1  # [m] and share of the body's size that its lowest point may be under the plane
ABOVE_SHARE = 0.25  # of the size that it may stay over the plane at its lowest, or it never came down
MOST = 4000  # frames that are looked at
FROM_XYZW = [3, 0, 1, 2]


def require_body(recording: Recording, body: Body) -> None:
    """Refuse a body that would sink into the plane z = 0, or never come near it, in this recording.

    One frame in a hundred may be wrong.

    Raises:
        RecordingError: with what does not fit.
    """
    size = float(body.surface.extents.max())
    heights = _heights(recording, body, [0, 1, 2, 3])
    allowed = max(BELOW, BELOW_SHARE * size)
    lowest = float(np.percentile(heights, 1))
    if lowest < -allowed:
        swapped = float(np.percentile(_heights(recording, body, FROM_XYZW), 1))
        if swapped > -allowed:
            raise RecordingError(
                f"“{body.name}” would be {-1000 * lowest:.0f} mm under the plane: quaternions are x, y, z, w",
                todo="write them as w, x, y, z",
            )
        raise RecordingError(
            f"“{body.name}” would be {-1000 * lowest:.0f} mm under the plane z = 0",
            todo="check the body's size and frame, and the recording's origin",
        )
    if lowest > ABOVE_SHARE * size + allowed:
        raise RecordingError(
            f"“{body.name}” never comes nearer to the plane z = 0 than {1000 * lowest:.0f} mm",
            todo="check the body's size and frame, and the recording's origin",
        )


def _heights(recording: Recording, body: Body, order: list[int]) -> Array:  # (N,) [m] of the lowest point
    position, wxyz = np.concatenate(recording.position), np.concatenate(recording.wxyz)
    every = max(1, len(position) // MOST)
    down = matrix_from_quaternion(wxyz[::every][:, order])[:, 2]  # the scene's z in the body's frame
    corners = np.asarray(body.surface.convex_hull.vertices)
    return position[::every, 2] + (corners @ down.T).min(0)
