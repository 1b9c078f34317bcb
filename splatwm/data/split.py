"""Which episodes of a recording are learned from and which are only for testing, by a stated seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import UsageError

__all__ = ["Split", "split_episodes"]


class Split(NamedTuple):
    """Numbers of episodes; nothing is ever chosen by looking at the test ones."""

    pool: NDArray[np.int64]  # to learn from; who wants N takes the first N, so that few are part of many
    test: NDArray[np.int64]


def split_episodes(count: int, test: int, seed: int = 0) -> Split:
    """Shuffle ``count`` episodes by the seed; the first ``test`` of them are for testing, the rest is the pool.

    Raises:
        UsageError: nothing would be left to test on or to learn from.
    """
    if not 0 < test < count:
        raise UsageError(f"{test} of {count} episodes cannot be for testing", todo="leave some for both")
    order = np.random.default_rng(seed).permutation(count)
    return Split(order[test:], order[:test])
