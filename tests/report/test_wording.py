"""Figures as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.report import wording
from scan2sim.scene import Estimate
from tests.scene.factory import make_scene


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.mass(0.0724), "72.4 g"),
        (wording.mass(1.5), "1.50 kg"),
        (wording.mass(2.5e-4), "250 mg"),
        (wording.mass(0.7191, 2), "720 g"),
        (wording.interval(Estimate(0.1, 0.0064, 0.7191, "guess"), "mass"), "6.4 g – 720 g"),
        (wording.estimate(Estimate(0.1134, 0.0, 1.0, "guess"), "mass"), "110 g"),
        (wording.estimate(Estimate(0.1134, 0.0, 1.0, "material"), "mass"), "113 g"),
        (wording.volume(1.2e-4), "120 cm³"),
        (wording.volume(2.5e-3), "2.50 l"),
        (wording.duration(7.25), "7.2 s"),
        (wording.duration(225), "3 min 45 s"),
        (wording.duration(None), "not measured"),
        (wording.memory(400), "400 MiB"),
        (wording.memory(1536), "1.5 GiB"),
        (wording.figure("held_out_psnr", 26.34), "26.3 dB"),
        (wording.figure("reprojection_px", 0.621), "0.62 px"),
        (wording.figure("gaussians", 48210), "48,210"),
        (wording.figure("closed", True), "yes"),
        (wording.figure("psnr", None), "not measured"),
        (wording.figure("share", 0.12345), "0.123"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert text == expected


def test_size_is_the_box_around_the_mesh() -> None:
    assert wording.size(make_scene().objects[0]) == "6.0 × 4.0 × 5.0 cm"


def test_nested_figures_become_rows() -> None:
    rows = wording.figures({"a_b": 1, "inner": {"x_mm": 2.0}, "short": [1, 2], "long": list(range(9)), "deep": [{}]})
    assert rows == [
        ("a b", "1"),
        ("inner · x mm", "2.0 mm"),
        ("short", "1, 2"),
        ("long", "9 entries"),
        ("deep", "1 entries"),
    ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.floats(1e-7, 1e5))
def test_three_digits_are_kept(kilograms: float) -> None:
    number, unit = wording.mass(kilograms).split()
    back = float(number.replace(",", "")) * {"mg": 1e-6, "g": 1e-3, "kg": 1.0}[unit]
    assert math.isclose(back, kilograms, rel_tol=6e-3)
