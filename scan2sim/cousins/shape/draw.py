"""A deformation is drawn: which modes, how strong against each other, and how far to go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scan2sim.cousins.shape.anatomy import Anatomy
from scan2sim.cousins.shape.config import ShapeConfig
from scan2sim.cousins.shape.modes import Mode, mixed, with_bumps
from scan2sim.cousins.shape.warp import Warp

__all__ = ["Drawn", "Refused", "drawn_deformation"]

PRECISION = 0.02  # of the distance that is asked for
STEPS = 6  # at most, towards it
DRAWS = 6  # of a direction that goes far enough
FAINT = 0.3  # the weakest deformation drawn, over the strongest


class Refused(Exception):  # noqa: N818 (no error: the next draw may do)
    """Why a deformation gives no valid object."""


@dataclass(frozen=True)
class Drawn:
    """A mixture of modes and its map."""

    modes: tuple[Mode, ...]
    strengths: tuple[float, ...]
    warp: Warp


def drawn_deformation(anatomy: Anatomy, amount: float, rng: np.random.Generator, config: ShapeConfig) -> Drawn:
    """Modes in a random order, as many as are needed to reach the largest distance, and how far to go along them.

    Which ones these are does not depend on the amount.  Signs that cancel each other are drawn again; of a shape that
    cannot be changed so much, the best of a few draws is taken.

    Raises:
        Refused: no draw changed anything.
    """
    reach, modes, ends = 0.0, (), ()
    for _ in range(DRAWS):
        found = _direction(anatomy, rng, config)
        if found[0] > reach:
            reach, modes, ends = found
        if reach >= config.largest:
            break
    if reach == 0:
        raise Refused("nothing changed")
    goal = amount * min(config.largest, reach)
    share = _share(lambda s: anatomy.distance(_warp(anatomy, modes, [s * end for end in ends])), goal, reach)
    strengths = tuple(share * end for end in ends)
    return Drawn(modes, strengths, _warp(anatomy, modes, strengths))


def _direction(
    anatomy: Anatomy, rng: np.random.Generator, config: ShapeConfig
) -> tuple[float, tuple[Mode, ...], tuple[float, ...]]:
    """Modes with their strengths at the end of the way, and the distance there."""
    order = rng.permutation(len(anatomy.modes))
    modes = tuple(with_bumps(anatomy.modes[k], anatomy.sample.points, rng) for k in order)
    weights = rng.uniform(FAINT, 1, len(modes)) * rng.choice([-1.0, 1.0], len(modes))
    ends = tuple(float(abs(w) * (mode.high if w > 0 else mode.low)) for mode, w in zip(modes, weights, strict=True))
    count = min(config.mix, len(modes))
    while True:
        reach = anatomy.distance(_warp(anatomy, modes[:count], ends[:count]))
        if reach >= config.largest or count == len(modes):
            return reach, modes[:count], ends[:count]
        count = min(count + 2, len(modes))


def _warp(anatomy: Anatomy, modes: Sequence[Mode], strengths: Sequence[float]) -> Warp:
    return mixed(modes, strengths, anatomy.outline, anatomy.span)


def _share(distance: Callable[[float], float], target: float, reach: float) -> float:
    """How much of the whole way gives the distance that is asked for: regula falsi (Illinois)."""
    (low, under), (high, over) = (0.0, -target), (1.0, reach - target)
    share = target / reach
    for _ in range(STEPS):
        off = distance(share) - target
        if abs(off) <= PRECISION * target:
            break
        if off < 0:
            (low, under), over = (share, off), over / 2
        else:
            (high, over), under = (share, off), under / 2
        share = (low * over - high * under) / (over - under)
    return share
