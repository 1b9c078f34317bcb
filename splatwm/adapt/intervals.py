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

from splatwm.adapt.parameters import ANYWHERE, Parameter, believed_sigmas, values_at
from splatwm.adapt.profile import Profile
from splatwm.adapt.search import Curvature

__all__ = ["Identified", "identify", "identify_one", "without_each"]

Array = NDArray[np.float64]
CONFIDENCE = 0.95
EDGE = 0.005  # of a number's range, within which of an end it is at its bound
LEARNED = 0.5  # of that, below which a number counts as identified
UNRESOLVED = 0.003  # of a number's range that a search leaves open
DAMPED = 1e-3  # of the mean curvature, so that what is hardly told stays
BEYOND = "it ended at the bound of what was sought, and may lie beyond"
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
    believed = believed_sigmas(parameters)
    sigma = np.sqrt(np.diag(_covariance(near, believed)) + UNRESOLVED**2)
    half = float(student.ppf(0.5 + CONFIDENCE / 2, max(1, episodes - 1))) * sigma
    values = values_at(place, parameters)
    lows, highs = values_at(place - half, parameters), values_at(place + half, parameters)
    found = []
    for i, each in enumerate(parameters):
        why = _why_not(each, place[i], sigma[i] < LEARNED * believed[i], episodes)
        found.append(_told(each, values[each.name], lows[each.name], highs[each.name], why))
    return found


def identify_one(parameter: Parameter, profile: Profile, episodes: int) -> Identified:
    """The only parameter that was sought, from how likely each of its values is."""
    ends = 0.5 - CONFIDENCE / 2, 0.5, 0.5 + CONFIDENCE / 2
    low, value, high = (values_at(np.array([profile.quantile(q)]), [parameter])[parameter.name] for q in ends)
    why = _why_not(parameter, profile.quantile(0.5), profile.sigma < LEARNED * ANYWHERE, episodes)
    return _told(parameter, value, low, high, why)


def without_each(place: Array, near: Curvature) -> Array:  # (P,), … → (E, P)
    """Where the search would have ended without each episode, to first order.

    The infinitesimal jackknife: Giordano et al. 2019, "A swiss army infinitesimal jackknife".
    """
    total, places = near.hessian.sum(0), []
    for hessian, gradient in zip(near.hessian, near.gradient, strict=True):
        kept = total - hessian
        damped = kept + (DAMPED * np.trace(kept) / len(place) + 1e-12) * np.eye(len(place))
        places.append(place + np.linalg.solve(damped, gradient))
    return np.clip(places, 0, 1)


def _why_not(parameter: Parameter, place: float, narrow: bool, episodes: int) -> str:
    """Why a number is not identified; nothing if it is."""
    if episodes < 2:
        return "one episode cannot tell how much episodes differ"
    if not narrow:
        return "its interval is hardly narrower than what was believed without the recording"
    if place > 1 - EDGE or (place < EDGE and parameter.low != 0):  # nothing is below a natural bound of 0
        return BEYOND
    return ""


def _told(parameter: Parameter, value: float, low: float, high: float, why: str) -> Identified:
    if why and (parameter.belief is None or why == BEYOND):  # else the interval is what was believed
        low, high = parameter.low, parameter.high
    return Identified(parameter.name, parameter.what, parameter.unit, value, low, high, not why, why)


def _covariance(near: Curvature, believed: Array) -> Array:  # …, (P,) → (P, P)
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
    return np.asarray(np.linalg.inv(told + np.diag(1 / believed**2)), np.float64)
