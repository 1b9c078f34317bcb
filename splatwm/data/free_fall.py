"""What falls tells gravity, and gravity tells whether lengths, times and up are what they are said to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatwm.data.episode import GRAVITY

__all__ = ["Fall", "falling_acceleration"]

Array = NDArray[np.float64]
SECONDS = 0.06  # of a window in which a fall is looked for, at least 5 frames
CURVED = 0.1  # of a window's sagitta that positions may scatter about their parabola
LEAST_SAGITTA = 1e-4  # of the size of all motion: flatter windows do not tell
FEWEST = 8  # windows that tell gravity
AGREE = 0.15  # relative to 9.81
UNITS = {1000.0: "millimetres", 100.0: "centimetres", 1 / 0.3048: "feet", 1 / 0.0254: "inches"}
TILTED = 20.0  # [degrees] from which on up is not z


@dataclass(frozen=True)
class Fall:
    """How things fall in a recording."""

    size: float  # [m/s²]
    tilt_deg: float  # between the acceleration and -z
    windows: int  # that it was measured in
    problem: str = ""  # what contradicts 9.81 m/s² down z
    todo: str = ""


def falling_acceleration(
    position: Sequence[Array],  # (T, 3) [m] of each episode
    dt: float,  # [s]
) -> Fall | None:
    """The acceleration of free fall, or None where nothing falls.

    Parabolas are fitted to short windows.  Those that fit well and bend most are falls: resting and sliding bend less,
    and bounces do not fit.  The falls are the windows within a factor of 0.7 of the 90th percentile of bending.
    """
    frames = max(5, round(SECONDS / dt) + 1)
    found = [_accelerations(episode, dt, frames) for episode in position if len(episode) >= frames]
    accelerations = np.concatenate(found) if found else np.zeros((0, 3))
    sizes = np.linalg.norm(accelerations, axis=1)
    extent = max((float(np.ptp(episode, axis=0).max()) for episode in position), default=0.0)
    sagitta = sizes * ((frames - 1) * dt) ** 2 / 8
    kept = sagitta > LEAST_SAGITTA * max(extent, 1e-9)
    if kept.sum() < FEWEST:
        return None
    accelerations, sizes = accelerations[kept], sizes[kept]
    steep = sizes > 0.7 * np.percentile(sizes, 90)
    mean = np.median(accelerations[steep], axis=0)
    size = float(np.linalg.norm(mean))
    spread = np.linalg.norm(accelerations[steep] - mean, axis=1)
    if (spread < 0.25 * size).sum() < max(FEWEST, 0.5 * steep.sum()):
        return None  # they do not agree on one direction: nothing falls
    tilt = float(np.degrees(np.arccos(np.clip(-mean[2] / size, -1, 1))))
    return Fall(size, tilt, int(steep.sum()), *_contradiction(mean, size, tilt, dt))


def _accelerations(position: Array, dt: float, frames: int) -> Array:  # (W, 3) of the windows that fit a parabola
    windows = np.lib.stride_tricks.sliding_window_view(position, frames, axis=0)  # (W, 3, frames)
    time = (np.arange(frames) - (frames - 1) / 2) * dt
    basis = np.column_stack([np.ones(frames), time, time**2 / 2])
    fit = windows @ np.linalg.pinv(basis).T  # (W, 3, 3): place, speed, acceleration
    rms = np.sqrt(((windows - fit @ basis.T) ** 2).sum(1).mean(1))
    accelerations = fit[:, :, 2]
    sagitta = np.linalg.norm(accelerations, axis=1) * ((frames - 1) * dt) ** 2 / 8
    return accelerations[rms < CURVED * sagitta]


def _contradiction(mean: Array, size: float, tilt: float, dt: float) -> tuple[str, str]:
    falls = f"things fall with {size:.3g} m/s² instead of {GRAVITY}"
    for factor, unit in UNITS.items():
        if abs(size / factor - GRAVITY) < AGREE * GRAVITY:
            return f"{falls}: lengths are in {unit}", "write them in metres"
    if abs(size - GRAVITY) > AGREE * GRAVITY:
        true = dt * (size / GRAVITY) ** 0.5
        return (
            f"{falls}: dt or the unit of length is wrong",
            f"with lengths in metres, dt is {true:.4g} s, not {dt:.4g} s",
        )
    if tilt > TILTED:
        axis = int(np.abs(mean).argmax())
        name = "+-"[int(mean[axis] > 0)] + "xyz"[axis]
        return f"things fall {tilt:.0f}° off -z: up is {name}", "turn the recording so that z is up"
    return "", ""
