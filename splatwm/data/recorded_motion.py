"""Motion as somebody recorded it: gaps, signs of quaternions, speeds from poses, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion, quaternion_conjugate, quaternion_multiply, rotation_vector

__all__ = ["contradiction", "differences", "mend_gaps", "unwound"]

Array = NDArray[np.float64]
MENDED_SECONDS = 0.05  # of missing numbers that are interpolated
LEAP = 3.0  # times as far as in the frames before and after is a jump …
LEAST_JUMP = 0.005  # [m] … if it is farther than this
FASTEST_TURN = 0.9 * np.pi  # [rad] between two frames: beyond, nobody can tell which way it turned
AGREE = 0.15  # relative, of stated speeds with those of the poses
SLOW, SLOW_TURN = 0.05, 0.5  # [m/s], [rad/s] below which speeds are not compared
TO_WXYZ = [3, 0, 1, 2]


def mend_gaps(
    rows: Array,  # (T, C)
    dt: float,  # [s]
) -> tuple[Array | None, int]:
    """The rows with short gaps of NaN interpolated, and how many frames those were; None if a gap is long."""
    good = np.asarray(np.isfinite(rows).all(axis=1))
    missing = int((~good).sum())
    if not missing:
        return rows, 0
    places = np.flatnonzero(good)
    if len(places) < 3 or not good[0] or not good[-1] or (np.diff(places).max() - 1) * dt > MENDED_SECONDS:
        return None, missing
    time, mended = np.arange(len(rows)), rows.copy()
    known = rows[places]
    known[:, 3:7] = unwound(known[:, 3:7])
    for column in range(rows.shape[1]):
        mended[:, column] = np.interp(time, places, known[:, column])
    length = np.linalg.norm(mended[~good, 3:7], axis=1, keepdims=True)
    mended[~good, 3:7] /= np.maximum(length, 1e-9)
    return mended, missing


def unwound(wxyz: Array) -> Array:  # (T, 4)
    """The same orientations, each quaternion with the sign nearest to the one before."""
    flips = np.where((wxyz[1:] * wxyz[:-1]).sum(1) < 0, -1.0, 1.0)
    return wxyz * np.concatenate([[1.0], np.cumprod(flips)])[:, None]


def differences(
    position: Array,  # (T, 3) [m]
    wxyz: Array,  # (T, 4)
    dt: float,  # [s]
) -> Array:  # (T, 6) [m/s] scene frame, [rad/s] body frame
    """Speeds at each frame as half the difference of its neighbours, at the ends of the one there is."""
    return np.concatenate([np.gradient(position, dt, axis=0), _spins(wxyz, dt)], axis=1)


def contradiction(
    position: Sequence[Array],  # (T, 3) of each episode
    wxyz: Sequence[Array],  # (T, 4)
    stated: tuple[Sequence[Array], Sequence[Array]] | None,  # velocities and spins (T, 3); None if nothing was
    dt: float,
) -> tuple[str, str] | None:
    """What contradicts itself in a recording, and what to do about it; None if nothing does."""
    for i, (at, turned) in enumerate(zip(position, wxyz, strict=True)):
        jump = _jump(at, None if stated is None else stated[0][i], dt)
        if jump is not None:
            far = float(np.linalg.norm(at[jump + 1] - at[jump]))
            return f"episode {i} jumps by {far:.3g} m after frame {jump}", "frames are missing: cut it there"
        turn = _angles(turned)
        if turn.max() > FASTEST_TURN:
            frame = int(turn.argmax())
            return f"episode {i} turns by {np.degrees(turn[frame]):.0f}° after frame {frame}", "cut it there"
    if stated is None:
        return None
    velocity, spin = stated
    return _linear_problem(position, velocity, dt) or _spin_problem(wxyz, spin, dt)


def _jump(position: Array, velocity: Array | None, dt: float) -> int | None:
    """The frame after which a body is where neither its neighbours' pace nor its stated velocity brings it."""
    ways = np.diff(position, axis=0)
    steps = np.linalg.norm(ways, axis=1)
    if velocity is not None:
        speeds = np.linalg.norm(velocity, axis=1)
        surprise = np.linalg.norm(ways - dt * (velocity[1:] + velocity[:-1]) / 2, axis=1)
        pace = np.maximum(surprise - dt * np.maximum(speeds[1:], speeds[:-1]), 0)
        if np.median(surprise) > 0.1 * np.median(steps):
            return None  # they disagree everywhere: no jump, but other units
    else:
        padded = np.concatenate([steps[:1], steps, steps[-1:]])
        pace = steps - LEAP * np.maximum(padded[:-2], padded[2:])
    worst = int(pace.argmax())
    return worst if pace[worst] > LEAST_JUMP else None


def _linear_problem(position: Sequence[Array], velocity: Sequence[Array], dt: float) -> tuple[str, str] | None:
    found = np.concatenate([np.diff(at, axis=0) / dt for at in position])
    stated = np.concatenate([(v[1:] + v[:-1]) / 2 for v in velocity])
    ratio = _ratio(found, stated, SLOW)
    if ratio is None or abs(ratio - 1) < AGREE:
        return None
    said = f"positions change {ratio:.3g} times as fast as the stated velocities"
    return said, f"units differ, or dt is {dt * ratio:.4g} s instead of {dt:.4g} s"


def _spin_problem(wxyz: Sequence[Array], spin: Sequence[Array], dt: float) -> tuple[str, str] | None:
    stated = np.concatenate([(w[1:] + w[:-1]) / 2 for w in spin])
    found = _spin_between(wxyz, dt)
    if (np.linalg.norm(stated, axis=1) > SLOW_TURN).sum() < 10 or _misfit(found, stated) < AGREE * 2:
        return None
    turned = np.concatenate([matrix_from_quaternion(q[:-1]) for q in wxyz])
    others = {
        "spins are in the scene frame": np.einsum("nij,nj->ni", turned, found),
        "quaternions are in the order x, y, z, w": _spin_between([q[:, TO_WXYZ] for q in wxyz], dt),
        "spins are in degrees": np.degrees(found),
    }
    for said, value in others.items():
        if _misfit(value, stated) < AGREE * 2:
            return said, "write quaternions as w, x, y, z and spins in rad/s in the body frame"
    return "the stated spins are not those of the quaternions", "quaternions w, x, y, z; spins in rad/s, body frame"


def _misfit(found: Array, stated: Array) -> float:
    return float(
        np.median(np.linalg.norm(found - stated, axis=1)) / max(1e-9, np.median(np.linalg.norm(stated, axis=1)))
    )


def _ratio(found: Array, stated: Array, slow: float) -> float | None:
    sizes = np.linalg.norm(stated, axis=1)
    fast = sizes > slow
    if fast.sum() < 10:
        return None
    return float(np.median(np.linalg.norm(found[fast], axis=1) / sizes[fast]))


def _spin_between(wxyz: Sequence[Array], dt: float) -> Array:
    return np.concatenate([_turns(q) / dt for q in wxyz])


def _turns(wxyz: Array) -> Array:  # (T - 1, 3) [rad] body frame
    """Rotation vectors from each frame to the next."""
    return rotation_vector(quaternion_multiply(quaternion_conjugate(wxyz[:-1]), wxyz[1:]))


def _angles(wxyz: Array) -> Array:
    return np.linalg.norm(_turns(wxyz), axis=1)


def _spins(wxyz: Array, dt: float) -> Array:
    turns = _turns(wxyz) / dt
    return np.concatenate([turns[:1], (turns[1:] + turns[:-1]) / 2, turns[-1:]])
