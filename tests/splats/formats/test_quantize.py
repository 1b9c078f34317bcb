from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.splats.formats.morton import morton_order
from scan2sim.splats.formats.quantize import (
    logits_from_opacity_bytes,
    opacity_bytes,
    quaternions_from_smallest_three,
    round_away,
    smallest_three,
    unit_quaternions,
)

# Half a step in each of three components is 0.24°; components as large as the one left out move in by a whole step.
FARTHEST = np.cos(np.radians(0.5 / 2))

quaternions = st.lists(st.lists(st.floats(-1, 1), min_size=4, max_size=4), min_size=1, max_size=20).map(np.array)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(quats=quaternions, steps=st.sampled_from([1022, 1023]))
def test_smallest_three_is_close_and_stable(quats: np.ndarray, steps: int) -> None:
    unit = unit_quaternions(quats)
    index, numbers = smallest_three(unit, steps)
    assert np.abs(numbers).max() <= steps
    assert ((numbers - steps) % 2 == 0).all()
    found = quaternions_from_smallest_three(index, numbers, steps)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    assert np.abs((found * unit).sum(1)).min() > FARTHEST
    again = smallest_three(unit_quaternions(found.astype(np.float32)), steps)
    assert (again[0] == index).all()
    assert (again[1] == numbers).all()


@pytest.mark.parametrize("steps", [1022, 1023])
def test_smallest_three_of_ties(steps: int) -> None:
    half, root = 0.5, np.sqrt(0.5)
    quats = np.array([[half, half, half, half], [root, root, 0, 0], [0, -root, 0, root], [-half, half, -half, half]])
    index, numbers = smallest_three(quats, steps)
    found = quaternions_from_smallest_three(index, numbers, steps)
    again = smallest_three(unit_quaternions(found.astype(np.float32)), steps)
    assert (again[0] == index).all()
    assert (again[1] == numbers).all()
    assert np.abs((found * quats).sum(1)).min() > FARTHEST


def test_zero_quaternions_are_the_identity() -> None:
    quats = np.array([[0, 0, 0, 0.0], [0, 0, 0, -2], [0, 3e-161, 0, 0]])
    assert unit_quaternions(quats).tolist() == [[1, 0, 0, 0], [0, 0, 0, -1], [0, 1, 0, 0]]


def test_rounding() -> None:
    values = np.array([0.5, 1.5, 2.5, -0.5, -2.5, 0.49, -0.49, 127.5])
    assert round_away(values).tolist() == [1, 2, 3, -1, -3, 0, 0, 128]


def test_opacities() -> None:
    levels = np.arange(256, dtype=np.uint8)
    logits = logits_from_opacity_bytes(levels)
    assert np.isfinite(logits).all()
    assert (opacity_bytes(logits.astype(np.float32)) == levels).all()
    assert opacity_bytes(np.array([-1e30, 1e30, 0])).tolist() == [0, 255, 128]


def test_morton_order_of_a_grid() -> None:
    corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float)  # x changes fastest
    mixed = np.random.default_rng(0).permutation(8)
    assert (corners[mixed][morton_order(corners[mixed])] == corners).all()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(count=st.integers(0, 300), flat=st.booleans(), seed=st.integers(0, 99))
def test_morton_order_keeps_all_and_shortens_the_way(count: int, flat: bool, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 3)) * ([1, 1, 0] if flat else [1, 5, 100])
    order = morton_order(points)
    assert sorted(order) == list(range(count))
    if count > 50:
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
        assert np.linalg.norm(np.diff(points[order], axis=0), axis=1).sum() < 0.6 * steps


def test_morton_order_looks_closer_where_many_points_are() -> None:
    cluster = np.random.default_rng(0).random((2000, 3)) * 1e-3
    points = np.concatenate([cluster, [[1, 1, 1]]])
    way = points[morton_order(points)][:-1]
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).mean() < 0.2e-3
