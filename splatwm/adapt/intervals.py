"""What a recording tells of each number, and what it does not.

Near the best place the loss is taken as quadratic.  How much the best place would differ with other episodes follows
from how much episodes pull in different directions (the sandwich of Huber 1967, with episodes as clusters), so that
what the model gets wrong widens the intervals, too.  What is believed without the recording, that each number is
somewhere between its bounds, counts as one more, wide, observation: where the recording tells nothing, that is all
there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from splatwm.adapt.parameters import Parameter, values_at
from splatwm.adapt.search import Curvature

__all__ = ["Identified", "identify"]

Array = NDArray[np.float64]
CONFIDENCE = 0.95
BELIEVED = 1 / np.sqrt(12)  # standard deviation of a share that may be anything in 0..1
LEARNED = 0.5  # of that, below which a number counts as identified
UNRESOLVED = 0.003  # of a number's range that a search leaves open
NULL = 1e-6  # of the largest curvature, below which a direction tells nothing


@dataclass(frozen=True)
class Identified:
    """One number, and whether the recording tells it."""

    name: str
    what: str
    unit: str
    value: float
    low: float  # of the 95 % interval
    high: float
    identified: bool
    why_not: str = ""


def identify(parameters: Sequence[Parameter], place: Array, near: Curvature) -> list[Identified]:
    """Each parameter with its interval.

    Args:
        parameters: what was sought.
        place: (P,) where the loss is least.
        near: the loss there.
    """
    episodes = len(near.gradient)
    sigma = np.sqrt(np.diag(_covariance(near)) + UNRESOLVED**2)
    half = float(student.ppf(0.5 + CONFIDENCE / 2, max(1, episodes - 1))) * sigma
    values = values_at(place, parameters)
    lows, highs = values_at(place - half, parameters), values_at(place + half, parameters)
    found = []
    for i, each in enumerate(parameters):
        learned = bool(sigma[i] < LEARNED * BELIEVED) and episodes > 1
        why = "" if learned else "its interval is hardly narrower than what was believed without the recording"
        if episodes < 2:
            why = "one episode cannot tell how much episodes differ"
        found.append(
            Identified(
                each.name,
                each.what,
                each.unit,
                values[each.name],
                lows[each.name] if learned else each.low,
                highs[each.name] if learned else each.high,
                learned,
                why,
            )
        )
    return found


def _covariance(near: Curvature) -> Array:  # (P, P)
    """Of the place, in shares of the parameters' ranges."""
    episodes, count = near.gradient.shape
    hessian = near.hessian.mean(0)
    pulls = near.gradient - near.gradient.mean(0)
    spread = pulls.T @ pulls / max(1, episodes - 1) / episodes
    size, axes = np.linalg.eigh(hessian)
    kept = axes[:, size > NULL * max(size.max(), 1e-12)]
    told = np.zeros((count, count))
    if kept.shape[1]:
        inner = kept.T @ hessian @ kept
        noise = kept.T @ spread @ kept
        # of few episodes the spread has no full rank: it is drawn to what equal noise in all residuals would give
        alike = np.trace(np.linalg.solve(inner, noise)) / len(inner)
        few = len(inner) / (episodes + len(inner))
        noise = (1 - few) * noise + few * alike * inner + 1e-15 * np.eye(len(inner))
        told = kept @ inner @ np.linalg.solve(noise, inner) @ kept.T
    return np.linalg.inv(told + np.eye(count) / BELIEVED**2)
