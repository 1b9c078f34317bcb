"""Pieces cut for PhysX are convex, small enough, and together the same body."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.bodies import bounded_hull, is_convex
from scan2sim.export.usd.hulls import MAX_CORNERS, simple_parts


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(20, 400),
    flat=st.floats(0.05, 1.0),
    rounded=st.floats(0.0, 1.0),
    digits=st.integers(4, 9),
)
def test_parts_are_the_same_body(seed: int, count: int, flat: float, rounded: float, digits: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 3))
    onto_ball = points / np.linalg.norm(points, axis=1, keepdims=True)
    shape = rounded * onto_ball + (1 - rounded) * np.clip(points, -1, 1)
    piece = bounded_hull(np.round(0.03 * shape * [1.0, 0.7, flat], digits), count)
    parts = simple_parts(piece)
    assert all(is_convex(part) and len(part.vertices) <= MAX_CORNERS for part in parts)
    assert sum(part.volume for part in parts) == pytest.approx(piece.volume, rel=1e-5)
