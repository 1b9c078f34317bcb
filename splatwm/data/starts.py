"""How episodes begin: things scattered at rest, dropped, stacked, or tilted and sliding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import matrix_from_quaternion, quaternion_multiply
from splatwm.data.stage import Stage
from splatwm.data.world import State

__all__ = ["dropped", "scattered", "stacked", "tilted"]

Array = NDArray[np.float64]
MOVED = 0.7  # share of things that do not stay where the stage has them
TRIES = 64
APART = 0.005  # [m] between things
GAP = 0.001  # [m] over what a thing falls on
DROP_HEIGHT = (0.003, 0.1)  # [m] of the lowest corner; the lower the more frequent
DROP_TILT = 0.4  # [rad] at most of what is let go as one would set it down …
ANYHOW = 0.3  # … and share of what falls as it may
DROP_SPEED, DROP_SPIN = 0.2, 2.0  # [m/s], [rad/s] at most
STACK_GAP = 0.002  # [m]
TILT = (0.15, 0.9)  # [rad]
SLIDING = 0.6  # [m/s] at most


def scattered(stage: Stage, rng: np.random.Generator) -> State:
    """Everything at rest; most things that stand alone at another place and turned."""
    position, wxyz = stage.position.copy(), stage.wxyz.copy()
    for i in rng.permutation(len(stage.bodies)):
        if stage.alone[i] and rng.random() < MOVED:
            turned = quaternion_multiply(_turn(stage.up, rng.uniform(-np.pi, np.pi)), stage.wxyz[i])
            radius = _reach(stage, i, turned)
            others = [(position[k], _reach(stage, k, wxyz[k])) for k in range(len(position)) if k != i]
            for _ in range(TRIES):
                spot = rng.uniform(stage.low, stage.high)
                if all(np.linalg.norm(spot - at[:2]) > radius + r + APART for at, r in others):
                    rise = stage.height_at(spot) - stage.height_at(position[i][:2])
                    position[i] = [*spot, position[i][2] + rise]
                    wxyz[i] = turned
                    break
    return _at_rest(position, wxyz)


def dropped(stage: Stage, rng: np.random.Generator) -> State:
    """One thing or more is let go over the table or the others: a little tilted, or turned anyhow."""
    state = scattered(stage, rng)
    position, wxyz, velocity, spin = (part.copy() for part in state)
    falling = _some(stage, rng)
    sizes = [_size(stage, i) for i in range(len(position))]
    placed = [k for k in range(len(position)) if k not in falling]
    for i in falling:
        tilt = _turn(np.append(_direction(rng), 0.0), rng.uniform(0, DROP_TILT))
        wxyz[i] = _anyhow(rng) if rng.random() < ANYHOW else quaternion_multiply(tilt, wxyz[i])
        spot = rng.uniform(*_middle(stage))
        drop = float(np.exp(rng.uniform(*np.log(DROP_HEIGHT))))
        height = stage.height_at(spot) + _below(stage, i, wxyz[i]) + drop
        while any(np.linalg.norm(position[k] - [*spot, height]) < sizes[i] + sizes[k] + APART for k in placed):
            height += 0.01
        position[i] = [*spot, height]
        velocity[i, :2] = rng.uniform(-DROP_SPEED, DROP_SPEED, 2) * rng.integers(2)
        spin[i] = rng.uniform(-DROP_SPIN, DROP_SPIN, 3) * rng.integers(2)
        placed.append(i)
    return State(position, wxyz, velocity, spin)


def stacked(stage: Stage, rng: np.random.Generator) -> State:
    """Two things or more set on each other, not always well."""
    state = scattered(stage, rng)
    position, wxyz = state.position.copy(), state.wxyz.copy()
    pile = [int(i) for i in rng.permutation(np.flatnonzero(stage.alone))[: rng.integers(2, 4)]]
    pile.sort(key=lambda i: -_reach(stage, i, wxyz[i]))  # the widest below, as people would
    below = pile[0]
    top = position[below][2] + _above(stage, below, wxyz[below])
    for i in pile[1:]:
        off = rng.normal(0, 0.25 * _reach(stage, below, wxyz[below]), 2)
        spot = position[below][:2] + off
        position[i] = [*spot, top + STACK_GAP + _below(stage, i, wxyz[i])]
        top = position[i][2] + _above(stage, i, wxyz[i])
        below = i
    return _at_rest(position, wxyz)


def tilted(stage: Stage, rng: np.random.Generator) -> State:
    """Things that lean, turn or slide, and fall over or come to rest."""
    state = scattered(stage, rng)
    position, wxyz, velocity, spin = (part.copy() for part in state)
    for i in _some(stage, rng):
        axis = np.append(_direction(rng), 0.0)
        angle = rng.uniform(*TILT) * (rng.random() < 0.7)
        wxyz[i] = quaternion_multiply(_turn(axis, angle), wxyz[i])
        place = stage.height_at(position[i][:2])
        position[i, 2] = place + _below(stage, i, wxyz[i]) + GAP
        velocity[i, :2] = rng.uniform(0, SLIDING) * _direction(rng)
        spin[i] = rng.uniform(0, 2) * angle * axis
        spin[i, 2] += rng.uniform(-3, 3) * rng.integers(2)
    return State(position, wxyz, velocity, spin)


def _some(stage: Stage, rng: np.random.Generator) -> list[int]:
    alone = np.flatnonzero(stage.alone)
    return [int(i) for i in rng.permutation(alone)[: rng.integers(1, max(2, len(alone)))]]


def _at_rest(position: Array, wxyz: Array) -> State:
    return State(position, wxyz, np.zeros_like(position), np.zeros_like(position))


def _middle(stage: Stage) -> tuple[Array, Array]:
    """The inner part of the room, where things meet."""
    middle, half = (stage.low + stage.high) / 2, (stage.high - stage.low) / 2
    return middle - 0.7 * half, middle + 0.7 * half


def _turn(axis: Array, angle: float) -> Array:  # (4,)
    return np.array([np.cos(angle / 2), *(np.sin(angle / 2) * np.asarray(axis))])


def _direction(rng: np.random.Generator) -> Array:  # (2,)
    angle = rng.uniform(-np.pi, np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _anyhow(rng: np.random.Generator) -> Array:  # (4,) uniform over orientations
    wxyz = rng.normal(size=4)
    return wxyz / np.linalg.norm(wxyz)


def _corners(stage: Stage, i: int, wxyz: Array) -> Array:  # (N, 3) [m] about the body's origin
    return np.asarray(stage.bodies[i].surface.vertices) @ matrix_from_quaternion(wxyz).T


def _reach(stage: Stage, i: int, wxyz: Array) -> float:
    """Radius of its footprint about its origin."""
    return float(np.linalg.norm(_corners(stage, i, wxyz)[:, :2], axis=1).max())


def _size(stage: Stage, i: int) -> float:
    return float(np.linalg.norm(stage.bodies[i].surface.vertices, axis=1).max())


def _below(stage: Stage, i: int, wxyz: Array) -> float:
    """How far it reaches below its origin."""
    return -float(_corners(stage, i, wxyz)[:, 2].min())


def _above(stage: Stage, i: int, wxyz: Array) -> float:
    return float(_corners(stage, i, wxyz)[:, 2].max())
