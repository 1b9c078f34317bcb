"""Errors and statistics against numbers worked out by hand."""

import numpy as np
import pytest

from splatwm.evaluate import (
    bootstrap_interval,
    errors_at,
    has_moved,
    mean_over_steps,
    paired_bootstrap,
    position_error,
    rest_drift,
    rotation_error,
    summarize,
)

LEVEL = np.array([1.0, 0, 0, 0])


def about(axis: tuple[float, float, float], angle: float) -> np.ndarray:
    return np.array([np.cos(angle / 2), *(np.sin(angle / 2) * np.array(axis))])


def test_position_errors_are_distances() -> None:
    error = position_error([[[0, 0, 0], [3, 4, 0]]], [[[0, 0, 0.001], [0, 0, 0]]])
    assert error == pytest.approx(np.array([[0.001, 5.0]]))


@pytest.mark.parametrize("angle", [1e-9, 1e-5, 0.3, 3.0, np.pi])
def test_rotation_errors_are_angles_of_any_size(angle: float) -> None:
    first = about((0, 0.6, 0.8), 1.1)
    second = np.array([first[0], *first[1:]])
    turned = np.array(
        [  # first ⊗ a turn about x, written out
            second[0] * np.cos(angle / 2) - second[1] * np.sin(angle / 2),
            second[1] * np.cos(angle / 2) + second[0] * np.sin(angle / 2),
            second[2] * np.cos(angle / 2) + second[3] * np.sin(angle / 2),
            second[3] * np.cos(angle / 2) - second[2] * np.sin(angle / 2),
        ]
    )
    assert rotation_error(turned, first) == pytest.approx(angle, rel=1e-6)
    assert rotation_error(-turned, first) == pytest.approx(angle, rel=1e-6)  # the same orientation
    assert rotation_error(np.float32(1.0001) * turned, first) == pytest.approx(angle, rel=1e-3, abs=1e-12)


def test_errors_at_a_horizon_and_over_steps() -> None:
    error = np.arange(4)[:, None] * [1.0, 10.0]
    assert errors_at(error, 0.5, 1.0).tolist() == [2.0, 20.0]
    assert np.isnan(errors_at(error, 0.5, 2.0)).all()
    assert mean_over_steps(np.array([9.0, 1.0, 2.0, 6.0]), 2) == 1.5  # the start is given
    assert mean_over_steps(np.array([9.0, 1.0, np.nan, np.nan]), 3) == 1.0


def test_what_moves_and_what_drifts() -> None:
    position = np.zeros((3, 3, 3))
    position[1, 0, 0] = 0.006  # there and back again
    position[:, 2, 2] = [0, 0.001, 0.003]
    wxyz = np.tile(LEVEL, (3, 3, 1))
    wxyz[2, 1] = about((1, 0, 0), np.radians(6))
    assert has_moved(position, wxyz).tolist() == [True, True, False]
    assert has_moved(position, wxyz, 0.002).tolist() == [True, True, True]
    assert rest_drift(position, [False, False, True]) == pytest.approx([0.003])


def test_summaries_of_known_values() -> None:
    summary = summarize([*range(1, 101), np.nan], np.random.default_rng(0))
    assert (summary.cases, summary.median.value, summary.mean.value) == (100, 50.5, 50.5)
    assert summary.p90.value == pytest.approx(90.1)
    assert np.isnan(summarize([], np.random.default_rng(0)).mean.value)


def test_predictions_that_failed_count() -> None:
    rng = np.random.default_rng(0)
    few = summarize([*range(1, 101), np.inf], rng)
    assert (few.cases, few.median.value, few.mean.value) == (101, 51, np.inf)
    assert few.p90.value == pytest.approx(91)
    many = summarize([1, 2, np.inf, np.inf, np.inf], rng)
    assert many.median.value == many.p90.value == np.inf


def test_intervals_of_means_are_those_of_theory_and_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        values = rng.normal(3.0, 2.0, 50)
        interval = bootstrap_interval(values, lambda rows: rows.mean(-1), rng, 400)
        inside += interval.low <= 3.0 <= interval.high
    assert 0.88 <= inside / 200 <= 0.99
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(50), rel=0.2)


def test_pairs_show_small_differences_between_hard_and_easy_cases() -> None:
    rng = np.random.default_rng(2)
    hard = rng.exponential(10.0, 100)  # what both find hard hides the difference unless cases are paired
    better, worse = hard + rng.normal(0, 0.1, 100), hard + 0.2 + rng.normal(0, 0.1, 100)
    found = paired_bootstrap(better, worse, rng)
    assert found.high < 0
    assert found.difference == pytest.approx(-0.2, abs=0.06)
    assert found.p_value < 0.001
    assert paired_bootstrap(worse, better, rng).low > 0
    same = paired_bootstrap(hard, rng.permutation(hard), rng)
    assert same.low < 0 < same.high
    assert same.p_value > 0.05
    assert paired_bootstrap(hard, hard, rng).p_value == 1.0
    with pytest.raises(ValueError, match="same cases"):
        paired_bootstrap(hard, hard[:-1], rng)
