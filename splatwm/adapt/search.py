"""Where a problem's loss is least: damped Gauss–Newton steps with differences wide enough to see past chaos.

The loss is a mean of norms, so frames are weighted by one over their error (iteratively reweighted least squares;
Beaton and Tukey 1974), and episodes whose outcome hangs on a hair, where derivatives are huge and tell nothing, count
less.  Steps are damped as Levenberg and Marquardt do, and taken only where the loss really falls.  What is believed of
a number before counts as observations: else what a recording hardly tells, as size beside the plane's height, runs to
its bound.  Contacts that are made or missed give the loss many valleys, so several searches begin about what is
believed, and the best one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import Scan2SimError
from scan2sim.files import read_json, write_json
from scan2sim.progress import Reporter, silent
from splatwm.adapt.parameters import ANYWHERE, believed_sigmas
from splatwm.adapt.problem import Problem, Residuals

__all__ = ["Curvature", "SearchConfig", "curvature", "search"]

Array = NDArray[np.float64]
LEAST_ERROR = 0.15  # of a residual's unit: smaller errors weigh no more
HAIR = 2.0  # times the median sensitivity of episodes, beyond which an episode counts less
GAIN = 0.002  # share of the loss below which a round was in vain
DAMPINGS = (0.1, 1.0, 10.0, 100.0)  # times the last one that worked
ABOUT = 0.7  # standard deviations of what is believed, and no more than …
WIDEST = 0.14  # … this share of a number's range: of where the searches after the first one begin


@dataclass(frozen=True)
class SearchConfig:
    """How long numbers are sought, and how."""

    horizons: tuple[float, ...] = (0.55, 1.0)
    """Shares of the frames that are fitted one after the other; early ones are less entangled."""
    rounds: int = 20
    """Gauss–Newton steps at most for each."""
    step: float = 0.03
    """Of differences, as a share of what a number may be; halved where no step helps …"""
    finest: float = 0.007
    """… until it is below this."""
    scan: int = 9
    """Values of the first number that are tried before the first step."""
    starts: int = 6
    """Searches: the first from what is believed, the others from about there."""


@dataclass(frozen=True)
class Curvature:
    """The loss near a place, episode by episode."""

    hessian: Array  # (E, P, P) of each episode's share in the loss, times their number
    gradient: Array  # (E, P)


@dataclass
class _Progress:
    """Everything that a later call needs to go on."""

    key: str
    stage: int
    round: int
    place: list[float]
    loss: float  # with what is believed
    damping: float
    step: float
    start: list[float]  # what is believed
    noise: float  # of a loss, over the number of episodes
    done: bool = False
    search: int = 0
    best: list[float] | None = None  # of the searches before
    least: float | None = None  # loss of that, with what is believed


def curvature(problem: Problem, place: Array, at: Residuals, step: float, pool: ThreadPoolExecutor) -> Curvature:
    """Gauss–Newton's matrices from central differences of ``step`` (a share of each parameter's range)."""
    ends = [(np.clip(place + step * e, 0, 1), np.clip(place - step * e, 0, 1)) for e in np.eye(len(place))]
    found = list(pool.map(problem.residuals, [each for pair in ends for each in pair]))
    hessian, gradient = np.zeros((len(at.losses), len(place), len(place))), np.zeros((len(at.losses), len(place)))
    for name in ("position", "rotation"):
        slopes = np.stack(
            [
                (getattr(up, name) - getattr(down, name)) / (a - b).sum()
                for up, down, (a, b) in zip(found[::2], found[1::2], ends, strict=True)
            ],
            axis=-1,
        )  # (E, T, 3, P)
        error = getattr(at, name)
        weight = at.share / np.maximum(np.linalg.norm(error, axis=-1), LEAST_ERROR)
        sensitivity = np.sqrt((slopes**2).sum((2, 3)).mean(1))
        usual = HAIR * np.median(sensitivity)
        weight = weight * np.minimum(1, (usual / np.maximum(sensitivity, 1e-12)) ** 2)[:, None]
        weighted = slopes * weight[..., None, None]
        hessian += np.einsum("etap,etaq->epq", weighted, slopes)
        gradient += np.einsum("etap,eta->ep", weighted, error)
    return Curvature(hessian, gradient)


def search(
    problem: Problem,
    start: Array,  # (P,) in 0..1
    config: SearchConfig,
    *,
    threads: int = 1,
    journal: Path | None = None,
    key: str = "",
    report: Reporter = silent,
) -> Array:  # (P,)
    """The place where the loss is least, as far as steps from ``start`` and from about there lead.

    Args:
        problem: what is minimised.
        start: where to begin.
        config: how long and how.
        threads: predictions at a time.
        journal: a file that each round is written to, from which a later call with the same key goes on.
        key: what the journal must be of.
        report: told of every round.
    """
    problems = [problem.until(share) if share < 1 else problem for share in config.horizons]
    believed, last = np.clip(start, 0.02, 0.98), len(problems) - 1
    with ThreadPoolExecutor(threads) as pool:

        def begin(stage: int, places: Sequence[Array]) -> _Progress:
            return _begin(problems[stage], places, stage, believed.tolist(), config, key, pool)

        now = _resumed(journal, key) or begin(0, _places(problem, believed, 0, config))
        while True:
            if now.done or now.round == config.rounds:
                if now.stage < last:
                    begun = begin(now.stage + 1, [np.array(now.place)])
                    now = replace(begun, search=now.search, best=now.best, least=now.least)
                else:
                    best, least = _better(problem, believed, now)
                    if now.search + 1 >= config.starts:
                        return np.array(best)
                    begun = begin(0, _places(problem, believed, now.search + 1, config))
                    now = replace(begun, search=now.search + 1, best=best, least=least)
            passed = (now.search * len(problems) + now.stage) * config.rounds + now.round
            report(f"adapting, loss {now.loss:.3f}", passed, config.starts * config.rounds * len(problems))
            _advance(problems[now.stage], now, config, pool)
            if journal is not None:
                write_json(journal, asdict(now))


def _better(problem: Problem, believed: Array, now: _Progress) -> tuple[list[float], float]:
    """The place that a search has found or that one before it did, and the loss there with what is believed."""
    place = np.array(now.place)
    loss = problem.loss(place)
    loss += _Belief.of(problem, believed, loss / len(problem.predictor)).cost(place)
    return (now.place, loss) if now.best is None or now.least is None or loss < now.least else (now.best, now.least)


def _places(problem: Problem, believed: Array, number: int, config: SearchConfig) -> list[Array]:
    """Where a search may begin: one place with several values of its first number."""
    spread = np.minimum(ABOUT * believed_sigmas(problem.parameters), WIDEST) if number else np.zeros(len(believed))
    place = np.clip(believed + spread * np.random.default_rng(number).normal(size=len(believed)), 0.02, 0.98)
    return [place, *(np.array([share, *place[1:]]) for share in np.linspace(0.05, 0.95, config.scan))]


@dataclass(frozen=True)
class _Belief:
    """What was believed before, as a loss: the noise is that of losses about their mean, as of exponential ones."""

    start: Array  # (P,)
    precision: Array  # (P,) 0 where anything may be

    @classmethod
    def of(cls, problem: Problem, start: Array, noise: float) -> _Belief:
        sigmas = believed_sigmas(problem.parameters)
        return cls(start, np.where(sigmas < ANYWHERE, noise / sigmas**2, 0.0))

    def cost(self, place: Array) -> float:
        return float((self.precision * (place - self.start) ** 2).sum()) / 2

    def slope(self, place: Array) -> Array:  # (P,)
        return self.precision * (place - self.start)


def _begin(
    problem: Problem,
    places: Sequence[Array],
    stage: int,
    start: Sequence[float],
    config: SearchConfig,
    key: str,
    pool: ThreadPoolExecutor,
) -> _Progress:
    """At the best of some places."""
    losses = list(pool.map(problem.loss, places))
    best = int(np.argmin(losses))
    noise = losses[best] / len(problem.predictor)
    belief = _Belief.of(problem, np.array(start), noise)
    loss = losses[best] + belief.cost(places[best])
    return _Progress(key, stage, 0, places[best].tolist(), loss, 0.01, config.step, list(start), noise)


def _advance(problem: Problem, now: _Progress, config: SearchConfig, pool: ThreadPoolExecutor) -> None:
    """One round: try steps of several dampings and lengths, and keep the best if it is better."""
    place = np.array(now.place)
    near = curvature(problem, place, problem.residuals(place), now.step, pool)
    belief = _Belief.of(problem, np.array(now.start), now.noise)
    hessian = near.hessian.mean(0) + np.diag(belief.precision)
    gradient = near.gradient.mean(0) + belief.slope(place)
    scale = np.diag(hessian) + 1e-3 * np.trace(hessian) / len(place) + 1e-9
    dampings = [now.damping * each for each in DAMPINGS]
    ways = [_bounded_step(hessian + each * np.diag(scale), gradient, place) for each in dampings]
    tries = [np.clip(place + length * way, 0, 1) for way in ways for length in (1.0, 0.4)]
    losses = [loss + belief.cost(each) for loss, each in zip(pool.map(problem.loss, tries), tries, strict=True)]
    best = int(np.argmin(losses))
    gain = now.loss - losses[best]
    now.round += 1
    if gain > 0:
        now.place, now.loss = tries[best].tolist(), losses[best]
        now.damping = float(np.clip(dampings[best // 2], 1e-6, 1e3))
    if gain < GAIN * now.loss:
        now.done = now.step < config.finest
        now.step, now.damping = now.step / 2, min(3 * now.damping, 1e3)


def _bounded_step(matrix: Array, gradient: Array, place: Array) -> Array:  # (P, P), (P,), (P,) → (P,)
    """The step to where the quadratic model is least inside 0..1; what would leave is held at its bound."""
    step, free = np.zeros(len(place)), np.ones(len(place), bool)
    while free.any():
        pull = gradient[free] + matrix[np.ix_(free, ~free)] @ step[~free]
        step[free] = -np.linalg.solve(matrix[np.ix_(free, free)], pull)
        leaves = free & ((place + step < -1e-12) | (place + step > 1 + 1e-12))
        if not leaves.any():
            break
        step[leaves] = np.clip(place + step, 0, 1)[leaves] - place[leaves]
        free &= ~leaves
    return step


def _resumed(journal: Path | None, key: str) -> _Progress | None:
    """Where an earlier call was; None if there was none, or of something else."""
    if journal is None or not journal.exists():
        return None
    try:
        data: Any = read_json(journal, Scan2SimError)
        found = _Progress(**data)
        good = (
            found.key == key and np.isfinite([*found.place, found.loss, found.damping, found.step, found.noise]).all()
        )
    except (Scan2SimError, TypeError):
        return None
    return found if good else None
