"""Quantiles of what was seen: those that numpy's slow function finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.objects.quantile import quantile_of_seen


@given(st.integers(0, 1000), st.integers(1, 9), st.floats(0.0, 1.0))
@settings(max_examples=50, deadline=None)
def test_it_is_numpy_s_quantile_of_what_was_seen(seed: int, count: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    samples, seen = rng.random((count, 5, 4), np.float32), rng.random((count, 5, 4)) < 0.6
    ours = quantile_of_seen(samples, seen, share)
    some = seen.any(0)
    theirs = np.nanquantile(np.where(seen, samples, np.nan)[:, some], share, axis=0)
    np.testing.assert_allclose(ours[some], theirs, atol=1e-5)
    assert np.isinf(ours[~some]).all()
