"""Where a search begins: what a recording shows before anything is fitted, and what things on hard ground are like.

Free fall tells gravity in the recording's own metre, and where the centre of mass is, about which a thing turns while
it falls; if that metre is not ours, gravity and sizes are off by one factor.  Velocities that are differences to the
frame before are half a frame old.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scan2sim.bodies import Body
from scan2sim.geometry import matrix_from_quaternion
from splatwm.data import GRAVITY, Recording

__all__ = ["FINE", "recorded_values", "tossed_values"]

Array = NDArray[np.float64]
FINE = 0.0004  # [s] of a substep where things fly and hit
TOSSED = {  # springs and friction from which tossed things are fitted; hard plastic on hard ground is not far from it
    "impact_friction": 0.25,
    "contact_time": 0.0036,
    "contact_damping": 0.85,
    "impedance_low": 0.03,
    "impedance_width": 0.007,
    "friction_softness": 0.02,
    "torsion": 1e-4,
    "rolling": 0.002,
}
ROUNDED = 0.018  # of a body's longest side: the radius of its edges, from sharp ones no step leads to round ones
CLEAR = 0.03  # of a body's size that it is above the plane at least, to fly
FEWEST = 8  # frames of a flight that tells
MANY = 16  # flights that tell the centre of mass; of fewer, how trackers err with orientation looks alike
CLEARLY = 0.5  # times the misfit of another kind of differences


def tossed_values(body: Body) -> dict[str, float]:
    """What hard things are like that are tossed onto hard ground."""
    return TOSSED | {"rounding": ROUNDED * float(body.surface.extents.max())}


def recorded_values(recording: Recording, body: Body, episodes: Sequence[int]) -> dict[str, float]:
    """Gravity, size, centre of mass and lag as the episodes' motion alone shows them; nothing where it does not."""
    values = {"lag": _lag(recording, episodes)}
    found = _flight(recording, body, episodes)
    if found is None:
        return values
    gravity, center = found
    values |= {"gravity": gravity, "size": gravity / GRAVITY}
    return values | dict(zip(("center_x", "center_y", "center_z"), center.tolist(), strict=True))


def _lag(recording: Recording, episodes: Sequence[int]) -> float:
    """Half a frame where stated velocities are differences to the frame before, else 0 [s]."""
    stated = np.concatenate([recording.velocity[i][1:-1] for i in episodes])
    paths = [np.diff(recording.position[i], axis=0) / recording.dt for i in episodes]
    back, ahead = (np.concatenate([path[cut] for path in paths]) for cut in (slice(None, -1), slice(1, None)))
    behind, between = (float(np.median(np.linalg.norm(stated - found, axis=1))) for found in (back, (back + ahead) / 2))
    return recording.dt / 2 if behind < CLEARLY * between else 0.0


def _flight(recording: Recording, body: Body, episodes: Sequence[int]) -> tuple[float, Array] | None:
    """Gravity [m/s²] and the centre of mass [m] beyond the stated one, by least squares over all flights.

    In flight p(t) + R(t) c is a parabola; p(t) are the recorded positions, c is the centre of mass in the body's frame.
    """
    corners = np.asarray(body.surface.vertices)
    size = float(body.surface.extents.max())
    normal, right, flights = np.zeros((4, 4)), np.zeros(4), 0
    for i in episodes:
        turned = matrix_from_quaternion(recording.wxyz[i])
        heights = recording.position[i][:, 2] + (turned[:, 2] @ corners.T).min(1)
        low = heights < CLEAR * size
        frames = int(low.argmax()) if low.any() else len(low)
        if frames < FEWEST:
            continue
        flights += 1
        time = recording.dt * np.arange(frames)
        basis = np.column_stack([np.ones(frames), time])
        rest = np.eye(frames) - basis @ np.linalg.pinv(basis)  # takes out where a flight begins, and how fast
        arms = turned[:frames]
        columns = np.concatenate([np.zeros((frames, 3, 1)), -arms], axis=2)
        columns[:, 2, 0] = -(time**2) / 2
        seen = recording.position[i][:frames] + arms @ body.center_of_mass
        slopes = np.einsum("ts,sap->tap", rest, columns).reshape(-1, 4)
        normal += slopes.T @ slopes
        right += slopes.T @ (rest @ seen).ravel()
    if not normal.any() or np.linalg.cond(normal) > 1e12:
        return None
    found = np.linalg.solve(normal, right)
    gravity, center = float(found[0]), np.asarray(found[1:], np.float64)
    if not 0.8 * GRAVITY < gravity < 1.2 * GRAVITY or np.abs(center).max() > 0.15 * size:
        return None
    return gravity, center if flights >= MANY else np.zeros(3)
