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


def test_the_foot_that_a_thing_stands_on_stays_whole() -> None:
    points = np.random.default_rng(0).normal(size=(300, 3))
    points = 0.03 * points / np.linalg.norm(points, axis=1, keepdims=True) * [1.2, 1.0, 1.0]
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    foot = np.stack([0.008 * np.cos(turn), 0.008 * np.sin(turn), np.full(12, -0.0285)], axis=1)
    piece = bounded_hull(np.vstack([points[points[:, 2] > -0.0284], foot]), 400)
    parts = simple_parts(piece)
    assert len(parts) > 1
    held = [[np.abs(part.vertices - corner).max(axis=1).min() < 1e-7 for corner in foot].count(True) for part in parts]
    assert max(held) == 12
    assert held.count(0) == len(parts) - 1
    assert sum(part.volume for part in parts) == pytest.approx(piece.volume, rel=1e-5)
