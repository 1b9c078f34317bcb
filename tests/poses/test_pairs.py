from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.poses.pairs import choose_pairs


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(2, 60))
def test_small_captures_match_every_pair(count: int) -> None:
    assert len(choose_pairs(count, 60)) == count * (count - 1) // 2


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(61, 600))
def test_large_captures_match_neighbours_and_close_loops(count: int) -> None:
    pairs = choose_pairs(count, 60)
    assert pairs == sorted(set(pairs))
    assert all(0 <= i < j < count for i, j in pairs)
    assert {(i, i + k) for i in range(count - 10) for k in range(1, 11)} <= set(pairs)
    assert (0, count - 1) in pairs  # where an orbit closes
    assert len(pairs) <= 20 * count + 40 * 39 // 2
