"""The coach on a real capture, whole and spoilt: it says what is wrong and nothing else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.cli import main
from tests.capture.pictures import write_photos

BANANA = Path(__file__).parents[2] / "assets" / "captures" / "banana"


def photos() -> list[Path]:
    return sorted(BANANA.rglob("*.jpg"))


def spoilt(folder: Path, chosen: list[Path], change=lambda pixels: pixels) -> Path:
    """The photos at a third of their size, changed."""
    folder.mkdir()
    for path in chosen:
        with Image.open(path) as image:
            image.draft("RGB", (640, 640))
            small = image.convert("RGB").resize((640, 640 * image.height // image.width))
        Image.fromarray(change(np.asarray(small)).astype(np.uint8)).save(folder / path.name, quality=95)
    return folder


def coached(path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    code = main(["coach", str(path), "--json"])
    return code, json.loads(capfd.readouterr().out)


def colors(data: dict) -> dict[str, str]:
    return {each["name"]: each["color"] for each in data["advice"]}


def test_a_good_capture_is_called_good(capfd: pytest.CaptureFixture[str]) -> None:
    code, data = coached(BANANA, capfd)
    assert code == 0
    assert "red" not in colors(data).values()
    assert data["figures"]["linked"] > 0.85  # the mapper places 15 or 16 of the 16
    assert data["figures"]["gap"][1] < 90


def test_a_side_that_was_not_filmed_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    figures = coached(BANANA, capfd)[1]["figures"]
    linked = [path for path in photos() if path.name not in figures["alone"]]
    front = [p for p, a in zip(linked, figures["azimuth"], strict=True) if min(a, 360 - a) < 100]
    _, data = coached(spoilt(tmp_path / "front", front), capfd)
    coverage = next(each for each in data["advice"] if each["name"] == "coverage")
    assert coverage["color"] != "green"
    assert "back" in coverage["todo"]
    assert data["figures"]["gap"][1] > 120


def test_a_moved_camera_is_noticed_though_all_views_are_alike(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def smear(pixels: np.ndarray) -> np.ndarray:
        return np.mean([np.roll(pixels, shift, 1) for shift in range(-5, 6)], axis=0)

    _, data = coached(spoilt(tmp_path / "smeared", photos(), smear), capfd)
    assert colors(data)["sharpness"] != "green"
    _, data = coached(spoilt(tmp_path / "sharp", photos()), capfd)
    assert colors(data)["sharpness"] == "green"


def test_darkness_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, data = coached(spoilt(tmp_path / "dark", photos(), lambda pixels: pixels * 0.1), capfd)
    assert code == 3
    assert colors(data)["light"] == "red"


def test_photos_of_different_things_fail(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, data = coached(write_photos(tmp_path / "mixed", 12), capfd)
    assert code == 3
    assert colors(data)["overlap"] == "red"
    assert data["figures"]["linked"] < 0.5


def test_five_photos_are_too_few_and_none_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in photos()[:5]:
        shutil.copy(path, few)
    assert coached(few, capfd)[0] == 3
    empty = tmp_path / "empty"
    empty.mkdir()
    code, data = coached(empty, capfd)
    assert code == 2
    assert "empty" in data["error"]["message"]
