"""Readings of one scene by several programs, and the table of them."""

import numpy as np
import pytest

from scan2sim.export import parity, parity_text
from scan2sim.export.readings import engines_apart, reading, settling

HALF = np.radians(30) / 2
CUP = {
    "name": "cup",
    "mobility": "free",
    "mass": 0.2,
    "inertia": [[2e-4, 0, 0], [0, 1e-4, 0], [0, 0, 1e-4]],
    "position": [0.1, 0.0, 0.05],
    "wxyz": [1.0, 0.0, 0.0, 0.0],
    "center_of_mass": [0.0, 0.0, 0.02],
}
RECORD = {"objects": [CUP, {**CUP, "name": "shelf", "mobility": "fixed"}]}


def pose(x: float, half_turn: float = 0.0) -> dict[str, list[float]]:
    return {"position": [x, 0.0, 0.05], "wxyz": [float(np.cos(half_turn)), float(np.sin(half_turn)), 0.0, 0.0]}


def test_the_worst_error_of_all_objects_is_told() -> None:
    wrong = {**CUP, "mass": 0.202, "inertia": (np.array(CUP["inertia"]) * 1.001).tolist(), **pose(0.1003, HALF)}
    figures = reading(RECORD, {"cup": wrong, "shelf": CUP})
    assert figures["mass"] == pytest.approx(0.01)
    assert figures["inertia"] == pytest.approx(0.001)
    assert figures["position_m"] == pytest.approx(3e-4)
    assert figures["angle_rad"] == pytest.approx(np.radians(30))


def test_how_far_a_thing_moves_is_told_of_its_centre_of_mass() -> None:
    figures = settling(RECORD, {"cup": pose(0.1), "shelf": pose(0.1)}, {"cup": pose(0.1, HALF), "shelf": pose(9)})
    assert figures["drift_mm"] == {"cup": pytest.approx(1000 * 0.02 * 2 * np.sin(HALF), abs=1e-3)}
    lost = settling(RECORD, {"cup": pose(0.1)}, {"cup": pose(float("nan"))})
    assert lost["drift_mm"] == {"cup": None}


def test_engines_that_differ_are_named_with_what_each_did() -> None:
    engines = {
        "A": settling(RECORD, {"cup": pose(0.1)}, {"cup": pose(0.1)}),
        "B": settling(RECORD, {"cup": pose(0.1)}, {"cup": pose(0.101)}),
        "C": settling(RECORD, {"cup": pose(0.1)}, {"cup": pose(0.105)}),
    }
    apart, differ = engines_apart(engines)
    assert apart["cup"] == {"mm": 5.0, "deg": 0.0, "between": ["A", "C"]}
    assert differ == ["cup: 5.0 mm and 0.0° apart; it moves A 0.0 mm, B 1.0 mm, C 5.0 mm"]
    assert engines_apart({name: engines[name] for name in "AB"})[1] == []


def test_one_table_has_every_reader() -> None:
    settled = settling(RECORD, {"cup": pose(0.1)}, {"cup": pose(0.1002)})
    checks = {
        "mjcf": {"engines": {"MuJoCo": {"reading": reading(RECORD, {"cup": CUP}), **settled}}},
        "usd": {
            "engines": {"PhysX": {"reading": reading(RECORD, {"cup": CUP}), **settled}, "reader": {"reading": {}}},
            "not_checked": {"Newton": "not checked: it is not here"},
        },
        "spz": {},
    }
    checks["usd"]["engines"]["reader"]["reading"] = reading(RECORD, {"cup": CUP})
    lines = parity_text(parity(checks)).splitlines()
    assert lines[0].split()[-2:] == ["farthest", "apart"]
    assert all(column in lines[0] for column in ("mjcf MuJoCo", "usd PhysX", "usd reader"))
    assert lines[1].split() == ["cup", "0.20", "0.20", "–", "0.00", "mm", "0.0°"]
    assert [line.split()[0] for line in lines[2:5]] == ["mass", "inertia", "at"]
    assert lines[-1] == "usd Newton: not checked: it is not here"
    assert parity_text(parity({"spz": {}})) == ""
