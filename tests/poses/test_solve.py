from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.cameras import read_cameras
from scan2sim.capture import Capture, read_capture
from scan2sim.errors import PosesError
from scan2sim.poses import PosedCapture, PosesConfig, load_posed, save_posed, solve_poses
from tests.capture.make_video import write_held_video
from tests.capture.pictures import write_photos
from tests.poses.truth import deviation

CAPTURES = Path(__file__).parents[2] / "assets" / "captures"
TRUTH = {Path(entry.file).stem: entry for entry in read_cameras(CAPTURES / "tabletop" / "truth.json")}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Capture, PosedCapture, Path, list[str]]:
    """Seven neighbouring views of the tabletop, one of them with a name no list of pairs could hold."""
    photos, folder = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("poses")
    for i in range(7):
        name = "a name, with spaces.jpg" if i == 3 else f"{i:03d}.jpg"
        shutil.copy(CAPTURES / "tabletop" / "images" / f"{i:03d}.jpg", photos / name)
    capture = read_capture(photos, tmp_path_factory.mktemp("capture"))
    reports: list[str] = []
    posed = solve_poses(capture, folder, report=lambda what, done, total: reports.append(what))
    return capture, posed, folder, reports


def truth_of(posed: PosedCapture, stem: Callable[[str], str] = lambda name: Path(name).stem) -> list:
    return [TRUTH[stem(frame.name)] for frame in posed.frames]


def test_a_few_views_are_posed_in_the_scene_frame(few: tuple[Capture, PosedCapture, Path, list[str]]) -> None:
    _, posed, _, _ = few
    assert len(posed.frames) == 7
    assert posed.unregistered == posed.warnings == ()
    found = deviation(posed, truth_of(posed, lambda name: "003" if name.startswith("a") else Path(name).stem))
    assert found.position < 0.005
    assert found.angle < 1.0  # seven centres on a short arc hold the comparison itself only so well
    assert found.up < 1.0
    assert found.height < 0.004
    assert (posed.scale.source, posed.scale.relative_sigma) == ("guess", 0.35)
    assert posed.gravity.source == "support"
    assert all(0 < frame.residual < 2 for frame in posed.frames)


def test_images_are_where_the_frames_say(few: tuple[Capture, PosedCapture, Path, list[str]]) -> None:
    _, posed, folder, _ = few
    for frame in posed.frames:
        assert frame.image == folder / "images" / frame.name
        with Image.open(frame.image) as image:
            assert image.size == (frame.camera.intrinsics.width, frame.camera.intrinsics.height)
    assert [path.name for path in folder.iterdir()] == ["images"]  # COLMAP's files are gone


def test_sparse_points_project_into_the_photos(few: tuple[Capture, PosedCapture, Path, list[str]]) -> None:
    _, posed, _, _ = few
    assert len(posed.points) > 150
    assert posed.points.shape == posed.point_colors.shape
    colours = []
    frame = posed.frames[3]
    pixels, depth = frame.camera.project(posed.points)
    k = frame.camera.intrinsics
    seen = (depth > 0) & (pixels > 1).all(1) & (pixels < [k.width - 1, k.height - 1]).all(1)
    image = np.asarray(Image.open(frame.image).convert("RGB"), dtype=float)
    for (u, v), colour in zip(pixels[seen], posed.point_colors[seen], strict=True):
        colours.append(np.abs(image[int(v), int(u)] - colour).mean())
    assert seen.sum() > 100
    assert np.median(colours) < 15


def test_each_photo_tells_which_points_it_saw(few: tuple[Capture, PosedCapture, Path, list[str]]) -> None:
    _, posed, _, _ = few
    assert posed.observations is not None
    assert len(posed.observations) >= 2 * len(posed.points)  # each point is seen at least twice
    for index, frame in enumerate(posed.frames):
        points = posed.observations[posed.observations[:, 0] == index, 1]
        pixels, depth = frame.camera.project(posed.points[points])
        k = frame.camera.intrinsics
        inside = (pixels > 0).all(1) & (pixels < [k.width, k.height]).all(1)
        assert len(points) > 20
        assert (depth > 0).all()
        assert inside.mean() > 0.95
        image = np.asarray(Image.open(frame.image).convert("RGB"), dtype=float)
        seen = image[tuple(pixels[inside].astype(int).T[::-1])]
        assert np.median(np.abs(seen - posed.point_colors[points][inside]).mean(1)) < 15


def test_steps_and_progress_are_recorded(few: tuple[Capture, PosedCapture, Path, list[str]]) -> None:
    _, posed, _, reports = few
    assert [step["name"] for step in posed.steps] == ["features", "matching", "incremental"]
    assert posed.steps[-1]["registered"] == posed.steps[-1]["total"] == 7
    assert 0 < posed.steps[-1]["error_px"] < 2
    assert {"finding features", "matching photos", "placing cameras", "undistorting photos"} <= set(reports)


def test_the_result_can_be_stored(few: tuple[Capture, PosedCapture, Path, list[str]], tmp_path: Path) -> None:
    _, posed, folder, _ = few
    shutil.copytree(folder, tmp_path / "copy")
    save_posed(posed, folder)
    for path in folder.iterdir():
        if path.is_file():
            shutil.move(path, tmp_path / "copy" / path.name)
    loaded = load_posed(tmp_path / "copy")
    assert [frame.name for frame in loaded.frames] == [frame.name for frame in posed.frames]
    assert loaded.steps == posed.steps


def test_nothing_from_colmap_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capture = read_capture(write_photos(tmp_path / "photos", 4), tmp_path / "capture")
    with pytest.raises(PosesError, match=r"cameras were found for only 0 of 4 photos.*take more photos"):
        solve_poses(capture, tmp_path / "poses", PosesConfig(num_threads=1))
    assert not (tmp_path / "poses" / "colmap").exists()
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.slow
def test_tabletop(tmp_path: Path) -> None:
    capture = read_capture(CAPTURES / "tabletop", tmp_path / "capture")
    posed = solve_poses(capture, tmp_path / "poses")
    assert len(posed.frames) == 32
    found = deviation(posed, truth_of(posed))
    assert found.position < 0.003
    assert found.angle < 0.2
    assert found.up < 1.0
    assert found.height < 0.002
    assert 0.5 < found.scale < 2.0


@pytest.mark.slow
def test_banana(tmp_path: Path) -> None:
    capture = read_capture(CAPTURES / "banana", tmp_path / "capture")
    posed = solve_poses(capture, tmp_path / "poses")
    assert len(posed.frames) == 16
    assert all(frame.residual < 1 for frame in posed.frames)
    assert posed.gravity.source == "support"


@pytest.mark.slow
def test_a_video_with_a_rotation_tag(tmp_path: Path) -> None:
    views = sorted((CAPTURES / "tabletop" / "images").iterdir())
    video = write_held_video(tmp_path / "held.mp4", views, seconds=20, fps=30, rotation=-90)
    capture = read_capture(video, tmp_path / "capture")
    assert len(capture.frames) == len(views)
    posed = solve_poses(capture, tmp_path / "poses")
    assert len(posed.frames) == len(views)
    order = [frame.name for frame in capture.frames]
    found = deviation(posed, truth_of(posed, lambda name: f"{order.index(name):03d}"))
    assert found.position < 0.005
    assert found.up < 1.0
    assert found.height < 0.002
