"""One number, sought along its whole range: where it may be, and how sure that is.

Contacts part on hairs, so a loss along friction has many small valleys, and how narrow the lowest is says little of how
well friction is known.  Here each episode's misfit is taken at places all along the range, every frame counting by the
logarithm of its error: its noise is not known, and once a prediction has parted from what happened, how far does not
matter.  Frames of an episode err together, and a model errs alike in all episodes.  So how much a misfit counts is no
theory's, but was found on simulated worlds of the training shapes (as `benchmarks/ten_pushes.py --part training` makes
them), and so was by how much the model itself misleads, however many episodes there are (a tempered posterior: Bissiri
et al. 2016, "A general framework for updating belief distributions"; a model's discrepancy: Kennedy and O'Hagan 2001).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from scan2sim.errors import Scan2SimError
from scan2sim.files import read_json, write_json
from scan2sim.progress import Reporter, silent
from splatwm.adapt.problem import Problem

__all__ = ["Profile", "take_profile"]

Array = NDArray[np.float64]
COARSE, FINE = 17, 17  # places along the whole range, and along the part of it where the number may be
SMALL = 0.03  # of a residual's unit (0.24 mm where 8 mm is one): errors below it are as good as none
WEIGHT = 1.2  # of an episode's misfit
MISLED = 0.01  # of the range, standard deviation: 4 % of friction
UNLIKELY = 1e-3  # beside the likeliest place: where the number is not sought more finely
DENSE = 2001  # places between which the posterior is told


@dataclass(frozen=True)
class Profile:
    """How likely each place in 0..1 is."""

    place: Array  # (DENSE,)
    density: Array  # (DENSE,) adds up to 1

    def quantile(self, share: float) -> float:
        """The place below which the number lies with this probability."""
        return float(np.interp(share, np.cumsum(self.density) - self.density / 2, self.place))

    @property
    def sigma(self) -> float:
        """Standard deviation of the place."""
        mean = float((self.density * self.place).sum())
        return float(np.sqrt((self.density * (self.place - mean) ** 2).sum()))


def take_profile(
    problem: Problem,  # of one parameter
    *,
    threads: int = 1,
    journal: Path | None = None,
    key: str = "",
    report: Reporter = silent,
) -> Profile:
    """Misfits along the range of a problem's only parameter, more finely where it may be.

    Args:
        problem: what is judged.
        threads: predictions at a time.
        journal: a file that misfits are written to, from which a later call with the same key goes on.
        key: what the journal must be of.
        report: told of every place.
    """
    known = _resumed(journal, key)
    total = COARSE + FINE

    def misfits(places: Array, done: int) -> Array:
        names = [f"{place:.9f}" for place in places]
        missing = [i for i, name in enumerate(names) if name not in known]
        with ThreadPoolExecutor(threads) as pool:
            report("adapting", done + len(places) - len(missing), total)
            found = pool.map(lambda i: _misfit(problem, float(places[i])), missing)
            for count, (i, misfit) in enumerate(zip(missing, found, strict=True), start=1):
                known[names[i]] = misfit
                if journal is not None:
                    write_json(journal, {"key": key, "misfit": known})
                report("adapting", done + len(places) - len(missing) + count, total)
        return np.array([known[name] for name in names])

    coarse = np.linspace(0, 1, COARSE)
    cost = misfits(coarse, 0)
    likely = np.flatnonzero(cost < cost.min() - np.log(UNLIKELY))
    low, high = coarse[max(0, likely[0] - 1)], coarse[min(COARSE - 1, likely[-1] + 1)]
    fine = np.linspace(low, high, FINE)
    places = np.concatenate([coarse, fine])
    places, first = np.unique(places, return_index=True)
    cost = np.concatenate([cost, misfits(fine, COARSE)])[first]
    dense = np.linspace(0, 1, DENSE)
    weight = np.exp(cost.min() - np.interp(dense, places, cost))
    weight = gaussian_filter1d(weight, MISLED * (DENSE - 1), mode="constant")
    return Profile(dense, weight / weight.sum())


def _misfit(problem: Problem, place: float) -> float:
    """Minus the logarithm of how likely the recording is, but for a constant."""
    found = problem.residuals(np.array([place]))
    error = np.linalg.norm(found.position, axis=-1) + np.linalg.norm(found.rotation, axis=-1)
    return WEIGHT * float((2 * np.log(error + SMALL) * found.share).sum())


def _resumed(journal: Path | None, key: str) -> dict[str, float]:
    """Misfits that an earlier call found; nothing if there was none, or of something else."""
    if journal is None or not journal.exists():
        return {}
    try:
        data = read_json(journal, Scan2SimError)
        good = data["key"] == key and all(np.isfinite(each) for each in data["misfit"].values())
    except (Scan2SimError, KeyError, TypeError, AttributeError):
        return {}
    return dict(data["misfit"]) if good else {}
