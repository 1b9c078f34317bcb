"""Markers, boards, sheets and cards on a drawn table give its true size, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.poses import PosesConfig
from scan2sim.poses.metric import Refused, ScaleEvidence, parse_marker, scale_evidence
from tests.poses.metric.tabletop import Shot, Slab, blank_table, lay, shoot

CARD = (0.0856, 0.05398)
A4 = (0.297, 0.210)


def tag(number: int = 7, quiet: int = 60) -> NDArray[np.uint8]:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    inner = cv2.aruco.generateImageMarker(dictionary, number, 300)
    return cv2.cvtColor(np.pad(inner, quiet, constant_values=255), cv2.COLOR_GRAY2RGB)


def plain(size: tuple[float, float], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((round(size[1] * 4000), round(size[0] * 4000), 3), color, np.uint8)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    """A tag of 5 cm, an A4 sheet and a blue bank card."""
    table = blank_table()
    lay(table, tag(), (0.07, 0.07), np.array([0.13, 0.1]), 0.4)
    lay(table, plain(A4, (240, 240, 236)), A4, np.array([-0.13, 0.0]), 1.1)
    lay(table, plain(CARD, (30, 60, 160)), CARD, np.array([0.12, -0.08]), -0.3)
    return shoot(table, tmp_path_factory.mktemp("prints"))


def evidence(shot: Shot, **config: str) -> ScaleEvidence | Refused:
    (found,) = scale_evidence(shot.posed, None, PosesConfig(**config))  # pyright: ignore[reportArgumentType]
    return found


@pytest.mark.parametrize("config", [{"marker": "tag36h11:0.05"}, {"sheet": "a4"}, {"sheet": "card"}])
def test_a_print_gives_the_true_size(shot: Shot, config: dict[str, str]) -> None:
    found = evidence(shot, **config)
    assert isinstance(found, ScaleEvidence), found
    error = abs(np.log(found.factor / shot.factor))
    assert error < 0.01
    assert error < 2 * found.relative_sigma
    assert found.relative_sigma < 0.01
    assert found.stated


def test_a_cards_sides_are_not_taken_for_its_top(tmp_path: Path) -> None:
    """Seen from the front, dark sides of 0.76 mm make a dark card look larger: without them in mind, by 0.6 %."""
    slab = Slab(CARD, 0.00076, (0.05, -0.03), 0.7, (30, 60, 160), (15, 30, 80))
    shot = shoot(blank_table(), tmp_path, slab=slab)
    found = evidence(shot, sheet="card")
    assert isinstance(found, ScaleEvidence), found
    assert abs(np.log(found.factor / shot.factor)) < 0.003


def test_a_marker_of_another_size_gives_another_scale(shot: Shot) -> None:
    found = evidence(shot, marker="tag36h11:0.1")
    assert isinstance(found, ScaleEvidence)
    assert found.factor == pytest.approx(2 * shot.factor, rel=0.01)


def test_what_is_not_there_is_refused_with_the_reason(shot: Shot) -> None:
    other = evidence(shot, marker="4x4_50:0.05")
    assert isinstance(other, Refused)
    assert "no marker of family 4x4_50" in other.reason
    letter = evidence(shot, sheet="letter")
    assert isinstance(letter, Refused)
    assert "Letter" in letter.reason


def test_two_cards_of_different_size_are_ambiguous(tmp_path: Path) -> None:
    table = blank_table(1)
    lay(table, plain(CARD, (30, 60, 160)), CARD, np.array([0.1, -0.08]), -0.3)
    double = (1.5 * CARD[0], 1.5 * CARD[1])
    lay(table, plain(double, (160, 50, 40)), double, np.array([-0.1, 0.05]), 0.8)
    found = evidence(shoot(table, tmp_path), sheet="card")
    assert isinstance(found, Refused)
    assert "times as large as another" in found.reason


def test_a_board_gives_the_true_size(tmp_path: Path) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    drawn = cv2.aruco.CharucoBoard((5, 4), 0.04, 0.03, dictionary).generateImage((1000, 800))
    table = blank_table(2)
    lay(table, cv2.cvtColor(drawn, cv2.COLOR_GRAY2RGB), (0.2, 0.16), np.array([0.02, 0.0]), 0.2)
    found = evidence(shoot(table, tmp_path, count=6), marker="charuco-5x4-4x4_50:0.04:0.03")
    assert isinstance(found, ScaleEvidence), found
    assert found.factor == pytest.approx(1.25, rel=0.005)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tag36h11", "one size"),
        ("tag36h11:5cm", "no length"),
        ("tag36h11:50", "in metres"),
        ("tag36h11:-0.05", "in metres"),
        ("tag99:0.05", "no family"),
        ("charuco-5x7-4x4_50:0.04", "two sizes"),
        ("charuco-5x7-4x4_50:0.03:0.04", "two sizes"),
        ("charuco-1x7-4x4_50:0.04:0.03", "squares"),
        ("charuco-5x7-nothing:0.04:0.03", "no family"),
        ("", "one size"),
    ],
)
def test_what_is_no_marker_is_said(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_marker(text)


def test_markers_are_read() -> None:
    assert parse_marker("TAG36h11:0.05").side == 0.05
    board = parse_marker("charuco-5x7-4x4_50:0.04:0.03")
    assert (board.squares, board.square, board.side, board.family) == ((5, 7), 0.04, 0.03, "4x4_50")
