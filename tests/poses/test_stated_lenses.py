"""Lenses that a data set states help where they are right, and are found out where they are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from scan2sim.cameras import CameraFrame, Distortion, Intrinsics, read_cameras
from scan2sim.capture import Capture, Frame
from scan2sim.errors import PosesError
from scan2sim.poses import PosedCapture, PosesConfig, solve_poses
from scan2sim.poses.lenses import group_by_lens
from tests.poses.truth import deviation

TABLETOP = Path(__file__).parents[2] / "assets" / "captures" / "tabletop"
COEFFICIENTS = (-0.16, 0.05, 0.002, -0.003)  # k1, k2, p1, p2
SIZE = (480, 360)
VIEWS = slice(0, 10)
CONFIG = PosesConfig(num_threads=1, max_features=1500)


def distorted(image: Path, k: Intrinsics) -> np.ndarray:
    """The photo of a pinhole camera as a lens with COEFFICIENTS would have taken it, by OpenCV's own formulas."""
    with Image.open(image) as file:
        pixels = np.asarray(file.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    seen = np.stack([x.ravel(), y.ravel()], 1)[:, None]
    straight = cv2.undistortPoints(seen, k.matrix, np.array(COEFFICIENTS), P=k.matrix)[:, 0].astype(np.float32) - 0.5
    shape = (SIZE[1], SIZE[0])
    return cv2.remap(pixels, straight[:, 0].reshape(shape), straight[:, 1].reshape(shape), cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Capture, list[CameraFrame]]:
    """Some views of the tabletop through that lens, with what a data set would state, and the truth."""
    folder = tmp_path_factory.mktemp("photos")
    truth = list(read_cameras(TABLETOP / "truth.json"))[VIEWS]
    frames = []
    for entry in truth:
        k = entry.camera.intrinsics.resized(*SIZE)
        path = folder / Path(entry.file).with_suffix(".png").name
        Image.fromarray(distorted(TABLETOP / entry.file, k)).save(path)
        frame = Frame(path, path.name, *SIZE, None, 100.0, 0.5, 0.0, intrinsics=k)
        frames.append(replace(frame, distortion=Distortion("OPENCV", COEFFICIENTS)))
    return Capture(tuple(frames), "nerfstudio"), truth


def with_focal(capture: Capture, factor: float) -> Capture:
    frames = []
    for frame in capture.frames:
        assert frame.intrinsics is not None
        k = replace(frame.intrinsics, fx=factor * frame.intrinsics.fx, fy=factor * frame.intrinsics.fy)
        frames.append(replace(frame, intrinsics=k))
    return replace(capture, frames=tuple(frames))


def focal_error(posed: PosedCapture, truth: list[CameraFrame]) -> float:
    true = truth[0].camera.intrinsics.resized(*SIZE).fx
    return abs(posed.frames[0].camera.intrinsics.fx / true - 1)


def test_a_right_lens_is_kept(taken: tuple[Capture, list[CameraFrame]], tmp_path: Path) -> None:
    capture, truth = taken
    posed = solve_poses(capture, tmp_path, CONFIG)
    assert len(posed.frames) == len(truth)
    assert not any("focal" in warning or "intrinsics" in warning for warning in posed.warnings)
    found = deviation(posed, truth)
    assert found.position < 0.006  # ten small views on a short arc hold the comparison itself only so well
    assert found.angle < 1.2
    assert focal_error(posed, truth) < 0.01


def test_a_wrong_lens_is_said_and_not_used(taken: tuple[Capture, list[CameraFrame]], tmp_path: Path) -> None:
    capture, truth = taken
    posed = solve_poses(with_focal(capture, 1.15), tmp_path, CONFIG)
    assert any("stated" in warning and "photos of this size" in warning for warning in posed.warnings)
    assert deviation(posed, truth).position < 0.01
    assert focal_error(posed, truth) < 0.03


def test_stated_lenses_are_apart_from_others_and_averaged() -> None:
    def frame(focal: float | None, lens: Distortion | None = None) -> Frame:
        k = None if focal is None else Intrinsics(640, 480, focal, focal, 322.0, 239.0)
        return Frame(Path("x.jpg"), "x.jpg", 640, 480, None, 1.0, 0.5, 0.0, intrinsics=k, distortion=lens)

    lens = Distortion("RADIAL", (0.1, -0.02))
    groups = group_by_lens([frame(500.0), frame(None), frame(503.0), frame(506.0), frame(900.0), frame(500.0, lens)])
    assert [each.frames for each in groups] == [(0, 2, 3), (1,), (4,), (5,)]
    assert groups[0].parameters == (503.0, 322.0, 239.0, 0.0)
    assert groups[1].parameters is None
    assert (groups[3].model, groups[3].parameters) == ("RADIAL", (500.0, 322.0, 239.0, 0.1, -0.02))
    stretched = replace(frame(500.0, lens), intrinsics=Intrinsics(640, 480, 500.0, 560.0, 320.0, 240.0))
    with pytest.raises(PosesError, match="RADIAL has one focal length"):
        group_by_lens([stretched])
