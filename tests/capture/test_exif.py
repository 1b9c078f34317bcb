from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from scan2sim.capture.exif import read_tags


def tags_of(block: dict[int, Any], size: tuple[int, int] = (4000, 3000)) -> Any:
    image = Image.new("RGB", size)
    image.getexif().get_ifd(0x8769).update(block)
    return read_tags(image)


def test_the_35_mm_equivalent_is_about_the_diagonal() -> None:
    # a 50 mm lens on film sees a diagonal of 2 atan(43.27 / 100) = 46.8°
    focal = tags_of({0xA405: 50}).focal_length
    assert np.degrees(2 * np.arctan(5000 / 2 / focal)) == pytest.approx(46.79, abs=0.02)


def test_the_focal_plane_resolution_is_used_without_it() -> None:
    # 50 mm at 100 pixels per mm = 5000 pixels in the 6000 px wide original, here resized to 3000
    inch = {0x920A: 50.0, 0xA20E: 2540.0, 0xA210: 2, 0xA002: 6000}
    assert tags_of(inch, (3000, 2000)).focal_length == pytest.approx(2500)
    assert tags_of({**inch, 0xA20E: 1000.0, 0xA210: 3}, (3000, 2000)).focal_length == pytest.approx(2500)


@pytest.mark.parametrize(
    "block",
    [
        {},
        {0xA405: 0},
        {0xA405: "wide"},
        {0xA405: 60_000},
        {0x920A: 50.0},
        {0x920A: 50.0, 0xA20E: 0.0, 0xA210: 2},
        {0x920A: float("nan"), 0xA20E: 2540.0, 0xA210: 2},
        {0x920A: 50.0, 0xA20E: 2540.0, 0xA210: 9},
    ],
)
def test_absent_or_nonsensical_tags_give_no_focal_length(block: dict[int, Any]) -> None:
    assert tags_of(block).focal_length is None


def test_times_with_fractions() -> None:
    tags = tags_of({0x9003: "2024:02:29 12:00:01", 0x9291: "25"})
    assert tags.time.isoformat() == "2024-02-29T12:00:01.250000"
    assert tags_of({0x9003: "0000:00:00 00:00:00"}).time is None


def test_a_broken_orientation_counts_as_upright() -> None:
    image = Image.new("RGB", (100, 100))
    image.getexif()[0x0112] = 77
    assert read_tags(image).orientation == 1
