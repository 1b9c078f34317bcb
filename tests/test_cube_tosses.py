"""The fitted MuJoCo of real tosses: its physics against formulas, and a fit against tosses that it made itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
DT = 1 / 148


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import their neighbours by bare names, as when they are run."""
    pytest.importorskip("cma")
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def starts(count: int, height: float):
    from cube_model import Start

    rng = np.random.default_rng(0)
    wxyz = rng.normal(size=(count, 4))
    position = np.column_stack([rng.uniform(-0.1, 0.1, (count, 2)), np.full(count, height)])
    velocity = rng.uniform(-1, 1, (count, 3))
    return Start(position, wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True), velocity, rng.uniform(-3, 3, (count, 3)))


def test_a_toss_in_the_air_is_a_parabola_with_the_gravity_that_was_asked_for() -> None:
    from cube_model import Settings, roll_out

    start = starts(3, 2.0)
    position, wxyz = roll_out(Settings(gravity=9.5), start, 20, DT)
    t = 20 * DT
    fallen = start.position + t * start.velocity - [0, 0, 9.5 * t * t / 2]
    assert position[:, 0] == pytest.approx(start.position)
    assert position[:, 20] == pytest.approx(fallen, abs=9.5 * t * DT / 8 * 1.01)  # of the step of a quarter frame
    assert np.linalg.norm(wxyz, axis=-1) == pytest.approx(1)


def test_a_cube_comes_to_rest_on_the_plane_at_its_height() -> None:
    from cube_model import HAND_TUNED, roll_out

    position, _ = roll_out(HAND_TUNED, starts(3, 0.1), 400, DT)
    assert position[:, -1, 2] == pytest.approx(0.0524, abs=1e-3)


def test_the_searched_cube_spans_the_stated_bounds() -> None:
    from cube_model import PARAMETERS, settings_at

    low, high, middle = (settings_at(np.full(len(PARAMETERS), share)) for share in (0.0, 1.0, 0.5))
    for parameter in PARAMETERS:
        assert getattr(low, parameter.name) == pytest.approx(parameter.low)
        assert getattr(high, parameter.name) == pytest.approx(parameter.high)
        mean = np.sqrt(parameter.low * parameter.high) if parameter.logarithmic else None
        assert mean is None or getattr(middle, parameter.name) == pytest.approx(mean)


def test_a_fit_finds_tosses_of_its_own_better_than_it_began() -> None:
    from cube_model import PARAMETERS, roll_out, settings_at
    from cube_tosses import STEPS, Options, Tosses, fit, judge

    truth = settings_at(np.full(len(PARAMETERS), 0.3))
    start = starts(3, 0.15)
    tosses = Tosses(start, *roll_out(truth, start, STEPS, DT), DT)
    exact = judge(truth, tosses)
    assert exact.position.max() == 0
    assert exact.rotation.max() < 1e-12
    first = judge(settings_at(np.full(len(PARAMETERS), 0.5)), tosses)
    found = judge(fit(tosses, Options(evaluations=400, population=16)), tosses)
    assert found.position.mean() < 0.7 * first.position.mean()
