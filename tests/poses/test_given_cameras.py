from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scan2sim.capture import Capture, CaptureConfig, read_capture
from scan2sim.errors import PosesError
from scan2sim.poses import PosedCapture, use_cameras

TABLETOP = Path(__file__).parents[2] / "assets" / "captures" / "tabletop"
TRUTH = json.loads((TABLETOP / "truth.json").read_text())
VIEWS = 5


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Neighbouring views at half their size."""
    folder = tmp_path_factory.mktemp("views")
    for i in range(VIEWS):
        image = Image.open(TABLETOP / "images" / f"{i:03d}.jpg")
        image.save(folder / f"{i:03d}.jpg", quality=95)
    return read_capture(folder, tmp_path_factory.mktemp("capture"), CaptureConfig(max_size=560))


def write(path: Path, frames: list[dict[str, Any]] | None = None, **changes: Any) -> Path:
    """A cameras file: the truth of the tabletop with changes."""
    path.write_text(json.dumps({**TRUTH, "frames": TRUTH["frames"] if frames is None else frames, **changes}))
    return path


@pytest.fixture(scope="module")
def posed(capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> PosedCapture:
    folder = tmp_path_factory.mktemp("poses")
    return use_cameras(capture, write(folder / "cameras.json"), folder)


def test_the_given_frame_is_the_scene_frame(posed: PosedCapture) -> None:
    assert (posed.scale.source, posed.gravity.source) == ("cameras", "cameras")
    assert posed.scale.relative_sigma == 0.01
    assert posed.unregistered == ()
    assert posed.warnings == ()
    for frame, entry in zip(posed.frames, TRUTH["frames"], strict=False):
        np.testing.assert_array_equal(frame.camera.world_from_camera, entry["world_from_camera"])


def test_intrinsics_follow_the_size_of_the_working_images(posed: PosedCapture) -> None:
    given = TRUTH["intrinsics"]
    for frame in posed.frames:
        with Image.open(frame.image) as image:
            k = frame.camera.intrinsics
            assert image.size == (k.width, k.height) == (560, 420)
        assert k.fx == pytest.approx(given["fx"] * 560 / given["width"])
        assert k.cy == pytest.approx(given["cy"] * 420 / given["height"])


def test_sparse_points_lie_on_the_true_surfaces(posed: PosedCapture) -> None:
    assert len(posed.points) > 100
    assert posed.point_colors.shape == posed.points.shape
    on_table = posed.points[(np.abs(posed.points[:, :2]) < 0.25).all(1) & (posed.points[:, 2] < 0.02)]
    assert len(on_table) > 40
    assert abs(np.median(on_table[:, 2])) < 0.003
    for frame in posed.frames:
        assert 0 < frame.residual < 2
    assert posed.observations is not None
    assert (np.bincount(posed.observations[:, 1], minlength=len(posed.points)) >= 2).all()
    k = posed.frames[2].camera.intrinsics
    pixels, _ = posed.frames[2].camera.project(posed.points[posed.observations[posed.observations[:, 0] == 2, 1]])
    assert ((pixels > 0) & (pixels < [k.width, k.height])).all(1).mean() > 0.95
    pixels, depth = posed.frames[0].camera.project(posed.points)
    assert ((depth > 0.1) & (pixels > -300).all(1) & (pixels < 900).all(1)).mean() > 0.95


def test_frames_without_an_entry_are_said(capture: Capture, tmp_path: Path) -> None:
    frames = [{**entry, "file": f"elsewhere/{Path(entry['file']).stem}.png"} for entry in TRUTH["frames"][:4]]
    result = use_cameras(capture, write(tmp_path / "cameras.json", frames), tmp_path)
    assert [frame.name for frame in result.frames] == [f"{i:03d}.jpg" for i in range(4)]
    assert result.unregistered == ("004.jpg",)
    assert "no entry for 1 of 5 photos: 004.jpg" in result.warnings[0]


def test_distortion_is_taken_out(capture: Capture, tmp_path: Path) -> None:
    lens = {"model": "SIMPLE_RADIAL", "params": [-0.1]}
    frames = [{**entry, "distortion": lens} for entry in TRUTH["frames"][:4]]
    result = use_cameras(replace(capture, frames=capture.frames[:4]), write(tmp_path / "c.json", frames), tmp_path)
    for frame in result.frames:
        assert (frame.camera.intrinsics.width, frame.camera.intrinsics.height) != (560, 420)
        with Image.open(frame.image) as image:
            assert image.size == (frame.camera.intrinsics.width, frame.camera.intrinsics.height)


def test_cameras_of_another_convention_are_noticed(capture: Capture, tmp_path: Path) -> None:
    opengl = np.diag([1.0, -1.0, -1.0, 1.0])
    frames = [{**e, "world_from_camera": (np.array(e["world_from_camera"]) @ opengl).tolist()} for e in TRUTH["frames"]]
    with pytest.raises(PosesError, match=r"cameras\.json: only \d+ sparse points agree.*OpenCV"):
        use_cameras(capture, write(tmp_path / "cameras.json", frames), tmp_path / "out")
    assert not (tmp_path / "out" / "colmap").exists()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([{**entry, "file": "x" + Path(entry["file"]).name} for entry in TRUTH["frames"]], "only 0 of 5 photos have"),
        (TRUTH["frames"][:3], "only 3 of 5 photos have an entry.*at least 4"),
        ([*TRUTH["frames"], TRUTH["frames"][0]], "2 entries for 000.jpg"),
        ([{**e, "distortion": {"model": "MAGIC", "params": []}} for e in TRUTH["frames"]], "MAGIC with 0 parameters"),
        ([{**e, "distortion": {"model": "OPENCV", "params": [0.1]}} for e in TRUTH["frames"]], "OPENCV with 1 param"),
        (
            [{**e, "intrinsics": {**TRUTH["intrinsics"], "width": 540, "height": 720}} for e in TRUTH["frames"]],
            "000.jpg is 560×420, its camera 540×720",
        ),
    ],
)
def test_files_that_do_not_fit(capture: Capture, tmp_path: Path, frames: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(PosesError, match=message) as error:
        use_cameras(capture, write(tmp_path / "cameras.json", frames), tmp_path / "out")
    assert "cameras.json" in str(error.value)
    assert not (tmp_path / "out").exists()
