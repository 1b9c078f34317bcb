"""Where a search begins: what a recording shows before anything is fitted, and what things on hard ground are like.

Free fall tells gravity in the recording's own metre; if that metre is not ours, gravity and sizes are off by one
factor.  Velocities that are differences to the frame before are half a frame old.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from splatwm.data import GRAVITY, Recording, falling_acceleration

__all__ = ["FINE", "TOSSED", "recorded_values"]

FINE = 0.0004  # [s] of a substep where things fly and hit
TOSSED = {  # springs and friction from which tossed things are fitted; hard plastic on hard ground is not far from it
    "contact_time": 0.004,
    "contact_damping": 0.7,
    "impedance_low": 0.05,
    "impedance_width": 0.004,
    "friction_softness": 0.05,
    "torsion": 1e-4,
    "rolling": 0.001,
}
CLEARLY = 0.5  # times the misfit of another kind of differences


def recorded_values(recording: Recording, episodes: Sequence[int]) -> dict[str, float]:
    """Gravity, size and lag as the episodes' motion alone shows them; nothing where they do not."""
    position = [recording.position[i] for i in episodes]
    values = {}
    fall = falling_acceleration(position, recording.dt)
    if fall is not None and not fall.problem:
        values |= {"gravity": fall.size, "size": fall.size / GRAVITY}
    velocity = [recording.velocity[i][1:-1] for i in episodes]
    back = np.concatenate([np.diff(at, axis=0)[:-1] / recording.dt for at in position])
    ahead = np.concatenate([np.diff(at, axis=0)[1:] / recording.dt for at in position])
    stated = np.concatenate(velocity)
    misfit = {
        lag: float(np.median(np.linalg.norm(stated - found, axis=1)))
        for lag, found in ((recording.dt / 2, back), (0.0, (back + ahead) / 2))
    }
    values["lag"] = recording.dt / 2 if misfit[recording.dt / 2] < CLEARLY * misfit[0.0] else 0.0
    return values
