"""The search for numbers, on a loss with many valleys of which one is the deepest."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from splatwm.adapt import SearchConfig
from splatwm.adapt.parameters import PARAMETERS, believed_sigmas
from splatwm.adapt.problem import Problem, Residuals
from splatwm.adapt.search import search

EPISODES, FRAMES = 5, 3
TRUE = np.array([0.62, 0.4])
FREE = tuple(each for each in PARAMETERS if each.belief is None)[:2]


class Waves:
    """What every episode misses grows with the distance from the truth, and goes up and down on the way."""

    parameters = FREE
    predictor = range(EPISODES)

    def residuals(self, place: NDArray[np.float64]) -> Residuals:
        position, rotation = np.zeros((2, EPISODES, FRAMES, 3))
        position[..., :2] = 4 * (place - TRUE)
        rotation[..., :2] = 3 * np.sin(20 * (place - TRUE))
        return Residuals(position, rotation, np.full((EPISODES, FRAMES), 1 / FRAMES))

    def loss(self, place: NDArray[np.float64]) -> float:
        return float(self.residuals(place).losses.mean())

    def until(self, share: float) -> Waves:
        return self


def test_searches_from_several_places_find_a_deeper_valley_and_the_best_one_counts() -> None:
    problem = cast(Problem, Waves())
    start = np.array([0.35, 0.65])
    alone, two, six = (search(problem, start, SearchConfig(scan=0, starts=n)) for n in (1, 2, 6))
    assert problem.loss(alone) > 0.5, "one search ends in a valley on the way"
    assert problem.loss(six) <= problem.loss(two) <= problem.loss(alone)
    assert problem.loss(six) < 0.5 * problem.loss(alone)
    again = search(problem, start, SearchConfig(scan=0, starts=6), threads=2)
    assert again.tolist() == six.tolist()


def test_beliefs_are_shares_of_what_is_sought_also_along_logarithms() -> None:
    """Of inertia: 0.3 of its logarithm, which goes from that of 0.6 to that of 2."""
    by_name = {each.name: sigma for each, sigma in zip(PARAMETERS, believed_sigmas(PARAMETERS), strict=True)}
    assert np.isclose(by_name["inertia"], 0.3 / np.log(2 / 0.6))
    assert np.isclose(by_name["size"], 0.005 / 0.08)
    assert np.isclose(by_name["friction"], 12**-0.5)
