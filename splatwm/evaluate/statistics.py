"""Medians, means and quantiles with intervals, and whether one list of errors is smaller than another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "PairedDifference", "Summary", "bootstrap_interval", "paired_bootstrap", "summarize"]

Array = NDArray[np.float64]
RESAMPLES = 2000
FAILED = 1e200  # stands for an infinite error in between
CHUNK = 1 << 22  # numbers that are drawn at once


class Interval(NamedTuple):
    """A statistic with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Summary(NamedTuple):
    """What a list of errors is like."""

    cases: int
    median: Interval
    mean: Interval
    p90: Interval


class PairedDifference(NamedTuple):
    """How much larger the errors a are than the errors b of the same cases."""

    difference: float  # mean of a - b
    low: float  # of its 95 % interval
    high: float
    p_value: float  # two-sided: how easily resampling turns the sign


def summarize(values: ArrayLike, rng: np.random.Generator, resamples: int = RESAMPLES) -> Summary:
    """Median, mean and 90th percentile, each with its interval; NaN if there are no values.

    A value that is NaN is one that does not exist, and is left out; an infinite one is the error of a prediction that
    failed, and counts: it makes the mean infinite, and the others as soon as so many have failed.
    """
    flat = np.asarray(values, np.float64).ravel()
    flat = flat[~np.isnan(flat)]
    statistics: tuple[Callable[[Array], Array], ...] = (
        lambda rows: np.median(rows, axis=-1),
        lambda rows: rows.mean(axis=-1),
        lambda rows: np.percentile(rows, 90, axis=-1),
    )
    bounded = np.clip(flat, -FAILED, FAILED)  # between a number and an infinite one NumPy interpolates NaN
    told = (bootstrap_interval(bounded, s, rng, resamples) for s in statistics)
    return Summary(
        len(flat), *(Interval(*(np.inf if each > FAILED / max(1, len(flat)) / 2 else each for each in i)) for i in told)
    )


def bootstrap_interval(
    values: ArrayLike,  # (N,)
    statistic: Callable[[Array], Array],  # (R, N) → (R,)
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """A statistic of values with its 95 % percentile interval (Efron 1979, "Bootstrap methods"); NaN of no values."""
    flat = np.asarray(values, np.float64)
    if not len(flat):
        return Interval(np.nan, np.nan, np.nan)
    found = np.concatenate([statistic(flat[rows]) for rows in _resamples(len(flat), rng, resamples)])
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(statistic(flat[None])[0]), float(low), float(high))


def paired_bootstrap(
    a: ArrayLike,  # (N,) errors of one model
    b: ArrayLike,  # (N,) errors of another on the same cases
    rng: np.random.Generator,
    resamples: int = 10_000,
) -> PairedDifference:
    """Whether a's mean error differs from b's: the cases, not the errors, are resampled.

    A case that is hard for both then counts for both.  ``difference`` < 0 with ``high`` < 0 says that a is better.

    Raises:
        ValueError: the lists differ in length, are empty, or hold something that is not finite.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"two lists of errors of the same cases are needed, not {first.shape} and {second.shape}")
    gap = first - second
    if not np.isfinite(gap).all():
        raise ValueError("an error is not finite")
    means = np.concatenate([gap[rows].mean(1) for rows in _resamples(len(gap), rng, resamples)])
    low, high = np.percentile(means, [2.5, 97.5])
    sides = (int((means >= 0).sum()), int((means <= 0).sum()))
    p_value = min(1.0, 2 * (min(sides) + 1) / (resamples + 1))
    return PairedDifference(float(gap.mean()), float(low), float(high), p_value)


def _resamples(count: int, rng: np.random.Generator, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Rows of case numbers, drawn with replacement, in chunks that need little memory."""
    rows = max(1, CHUNK // count)
    for i in range(0, resamples, rows):
        yield rng.integers(count, size=(min(rows, resamples - i), count))
