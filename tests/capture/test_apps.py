"""Each app's export, as somebody else would write it, gives cameras that see the marks where they are."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scan2sim.capture import Capture, CaptureConfig, load_capture, read_capture, save_capture
from scan2sim.errors import CaptureError
from tests.capture import app_writers as apps
from tests.capture.app_writers import COLOURS, FAR, MARKS, arkit_frames

WRITERS: dict[str, tuple[Callable[[Path, list[apps.ArkitFrame]], Path], str]] = {
    "record3d": (apps.write_record3d, "record3d"),
    "stray-scanner": (apps.write_stray, "stray-scanner"),
    "polycam": (apps.write_polycam, "polycam"),
    "3d-scanner-app": (apps.write_3d_scanner_app, "arkit"),
    "nerfcapture": (apps.write_nerfcapture, "arkit"),
    "nerfstudio": (apps.write_nerfstudio, "nerfstudio"),
    "colmap-text": (lambda folder, frames: apps.write_colmap(folder, frames, binary=False), "colmap"),
    "colmap-binary": (lambda folder, frames: apps.write_colmap(folder, frames, binary=True), "colmap"),
}
LEVEL = ("record3d", "stray-scanner", "polycam", "3d-scanner-app", "nerfcapture")
DEPTH = (*LEVEL, "nerfstudio")


def mark_pixels(capture: Capture, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Where OpenCV's projection puts the marks in frame i, (N, 2), and their depth (N,)."""
    frame = capture.frames[i]
    assert frame.intrinsics is not None
    assert frame.world_from_camera is not None
    rotation, centre = frame.world_from_camera[:3, :3], frame.world_from_camera[:3, 3]
    points = (MARKS - centre) @ rotation
    k = frame.intrinsics
    assert (k.width, k.height) == (frame.width, frame.height)
    pixels = points[:, :2] / points[:, 2:] * [k.fx, k.fy] + [k.cx, k.cy]
    return pixels, points[:, 2]


def check_geometry(capture: Capture, *, depth: bool, level: bool) -> None:
    for i, frame in enumerate(capture.frames):
        image = np.asarray(Image.open(frame.image).convert("RGB"), dtype=float)
        pixels, z = mark_pixels(capture, i)
        free = np.array([not any((z < z[k]) & (np.abs(pixels - pixels[k]).max(axis=1) < 12)) for k in range(len(z))])
        assert sum(free) >= 3
        for (u, v), colour in zip(pixels[free], COLOURS[free], strict=True):
            seen = image[int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2].mean(axis=(0, 1))
            assert np.abs(seen - colour).max() < 60, f"frame {i}: {seen} where {colour} was expected"
        if depth:
            assert frame.depth is not None
            values = np.load(frame.depth)
            sx, sy = values.shape[1] / frame.width, values.shape[0] / frame.height
            found = [values[int(v * sy), int(u * sx)] for u, v in pixels[free]]
            np.testing.assert_allclose(found, z[free], atol=1.1e-3)
            assert values.max() == pytest.approx(FAR, abs=1e-3)
        if level:
            assert frame.gravity is not None
            assert frame.world_from_camera is not None
            assert np.linalg.norm(frame.gravity) == pytest.approx(1)
            np.testing.assert_allclose(frame.world_from_camera[:3, :3] @ frame.gravity, [0, -1, 0], atol=1e-6)
            assert frame.gravity[1] > 0.5, "the picture is not upright"
            assert pixels[0, 1] < pixels[1, 1], "the upper mark is not above the lower one"


@pytest.mark.parametrize("portrait", [True, False])
@pytest.mark.parametrize("app", WRITERS)
def test_the_marks_are_where_the_cameras_say(tmp_path: Path, app: str, portrait: bool) -> None:
    write, source = WRITERS[app]
    frames = arkit_frames(portrait=portrait)
    write(tmp_path / "export", frames)
    capture = read_capture(tmp_path / "export", tmp_path / "out")
    assert capture.source == source
    assert len(capture.frames) == len(frames)
    assert capture.warnings == ()
    check_geometry(capture, depth=app in DEPTH, level=app in LEVEL)
    if app in LEVEL:
        assert (capture.frames[0].height > capture.frames[0].width) == portrait
    if app not in ("nerfstudio", "colmap-text", "colmap-binary"):
        times = [frame.time for frame in capture.frames]
        assert times == pytest.approx([0.5 * i for i in range(len(frames))])


@pytest.mark.parametrize("app", WRITERS)
def test_a_zip_with_a_folder_around_it_is_the_same(tmp_path: Path, app: str) -> None:
    write, source = WRITERS[app]
    write(tmp_path / "scan" / "Scan 1", arkit_frames(4))
    with zipfile.ZipFile(tmp_path / "export.r3d", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((tmp_path / "scan").rglob("*")):
            archive.write(file, file.relative_to(tmp_path / "scan"))
    capture = read_capture(tmp_path / "export.r3d", tmp_path / "out")
    assert capture.source == source
    check_geometry(capture, depth=app in DEPTH, level=app in LEVEL)
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"images", "depth"}
    save_capture(capture, tmp_path / "out")
    loaded = load_capture(tmp_path / "out")
    assert [frame.distortion for frame in loaded.frames] == [frame.distortion for frame in capture.frames]
    assert [frame.depth for frame in loaded.frames] == [frame.depth for frame in capture.frames]


def test_confidence_comes_as_0_1_2(tmp_path: Path) -> None:
    for app in ("record3d", "stray-scanner", "polycam", "3d-scanner-app"):
        WRITERS[app][0](tmp_path / app, arkit_frames(4, portrait=False))
        capture = read_capture(tmp_path / app, tmp_path / "out" / app)
        for frame in capture.frames:
            assert frame.confidence is not None
            values = np.load(frame.confidence)
            assert set(values[0]) == {0}, app  # also of Record3D, which is stored in portrait and turned back
            assert (values == 2).mean() > 0.9


@pytest.mark.parametrize("binary", [True, False])
def test_colmaps_distortion_survives(tmp_path: Path, binary: bool) -> None:
    apps.write_colmap(tmp_path / "m", arkit_frames(4), binary=binary)
    lenses = {frame.distortion for frame in read_capture(tmp_path / "m", tmp_path / "out").frames}
    (lens,) = lenses
    assert lens is not None
    assert lens.model == "OPENCV"
    assert lens.params == pytest.approx((0.01, -0.02, 0.001, -0.002))


def test_distortion_turns_with_the_picture() -> None:
    """Turning the picture and then distorting is distorting and then turning."""
    from scan2sim.cameras import Distortion
    from scan2sim.capture.turning import turn_distortion

    def distort(points: np.ndarray, k1: float, k2: float, p1: float, p2: float) -> np.ndarray:  # OpenCV's formula
        x, y = points.T
        r2 = x**2 + y**2
        radial = 1 + k1 * r2 + k2 * r2**2
        dx, dy = 2 * p1 * x * y + p2 * (r2 + 2 * x**2), p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
        return np.stack([x * radial + dx, y * radial + dy], 1)

    points = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2))
    lens = Distortion("OPENCV", (0.1, -0.05, 0.02, -0.03))
    turn = np.array([[0, 1], [-1, 0]])  # x' = y, y' = -x
    for turns in range(1, 5):
        rotation = np.linalg.matrix_power(turn, turns)
        turned = turn_distortion(lens, turns)
        assert turned is not None
        expected = distort(points, *lens.params) @ rotation.T
        np.testing.assert_allclose(distort(points @ rotation.T, *turned.params), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "model", "params"),
    [
        ({"k1": 0.1, "k2": -0.2, "p1": 0.01, "p2": 0.02}, "OPENCV", (0.1, -0.2, 0.01, 0.02)),
        ({"k1": 0.1, "k3": 0.3}, "FULL_OPENCV", (0.1, 0, 0, 0, 0.3, 0, 0, 0)),
        ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.4}, "OPENCV_FISHEYE", (0.1, 0, 0, 0.4)),
    ],
)
def test_nerfstudios_lenses(tmp_path: Path, changes: dict[str, Any], model: str, params: tuple[float, ...]) -> None:
    apps.write_nerfstudio(tmp_path / "set", arkit_frames(4), **changes)
    lens = read_capture(tmp_path / "set", tmp_path / "out").frames[0].distortion
    assert lens is not None
    assert (lens.model, lens.params) == (model, params)


def test_lenses_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    apps.write_nerfstudio(tmp_path / "set", arkit_frames(4), camera_model="EQUIRECTANGULAR")
    with pytest.raises(CaptureError, match=r"transforms\.json: camera model EQUIRECTANGULAR; known are"):
        read_capture(tmp_path / "set", tmp_path / "out")
    apps.write_colmap(tmp_path / "m", arkit_frames(4), binary=False)
    cameras = tmp_path / "m" / "sparse" / "0" / "cameras.txt"
    cameras.write_text("1 FOV 10 10 1 1 5 5 0.9\n")
    with pytest.raises(CaptureError, match=r"cameras\.txt: camera model FOV is not known"):
        read_capture(tmp_path / "m", tmp_path / "out")


def test_polycams_photo_mode_is_told_apart(tmp_path: Path) -> None:
    apps.write_polycam(tmp_path / "p", arkit_frames(5), lidar=False, corrected=False)
    capture = read_capture(tmp_path / "p", tmp_path / "out")
    assert capture.source == "polycam-photo"
    assert all(frame.depth is None and frame.gravity is None for frame in capture.frames)
    assert "5 of 5 keyframes have no corrected camera" in capture.warnings[0]


def test_a_long_recording_gives_max_frames_with_their_own_depth(tmp_path: Path) -> None:
    apps.write_record3d(tmp_path / "r", arkit_frames(40))
    capture = read_capture(tmp_path / "r", tmp_path / "out", CaptureConfig(max_frames=8))
    assert 6 <= len(capture.frames) <= 8
    check_geometry(capture, depth=True, level=True)
    assert len(list((tmp_path / "out" / "depth").glob("*[0-9].npy"))) == len(capture.frames)
    assert any("pictures not needed" in file.reason for file in capture.dropped)


def test_a_record3d_recording_that_does_not_know_down(tmp_path: Path) -> None:
    apps.write_record3d(tmp_path / "r", arkit_frames(5), initPose=[0, 0, 0, 1, 0, 0, 0])
    capture = read_capture(tmp_path / "r", tmp_path / "out")
    assert all(frame.gravity is None and frame.world_from_camera is not None for frame in capture.frames)


def test_a_selfie_recording_has_no_poses(tmp_path: Path) -> None:
    apps.write_record3d(tmp_path / "r", arkit_frames(5), poses=[[0, 0, 0, 1, 0, 0, 0]] * 5)
    capture = read_capture(tmp_path / "r", tmp_path / "out")
    assert all(frame.world_from_camera is None and frame.depth is not None for frame in capture.frames)


def test_a_record3d_file_cut_short(tmp_path: Path) -> None:
    apps.write_record3d(tmp_path / "r", arkit_frames(8))
    for i in (6, 7):
        (tmp_path / "r" / "rgbd" / f"{i}.jpg").unlink()
    depth = tmp_path / "r" / "rgbd" / "5.depth"
    depth.write_bytes(depth.read_bytes()[:-40])
    capture = read_capture(tmp_path / "r", tmp_path / "out")
    assert len(capture.frames) == 6
    assert "2 of 8 pictures are missing: the recording was cut short" in capture.warnings[0]
    assert "depth cannot be used: cut off (1 of 6 frames)" in capture.warnings[1]
    assert [frame.depth is None for frame in capture.frames] == [False] * 5 + [True]
    with zipfile.ZipFile(tmp_path / "r.r3d", "w") as archive:
        for file in sorted((tmp_path / "r").rglob("*")):
            archive.write(file, file.relative_to(tmp_path / "r"))
    data = (tmp_path / "r.r3d").read_bytes()
    (tmp_path / "r.r3d").write_bytes(data[: len(data) // 2])
    with pytest.raises(CaptureError, match=r"r\.r3d: not a whole zip.*copy or download it again"):
        read_capture(tmp_path / "r.r3d", tmp_path / "out2")


def test_depth_of_another_shape_than_colour(tmp_path: Path) -> None:
    apps.write_polycam(tmp_path / "p", arkit_frames(4))
    for file in (tmp_path / "p" / "keyframes" / "depth").iterdir():
        apps.save(np.full((48, 48), 1000, np.uint16), file)
    capture = read_capture(tmp_path / "p", tmp_path / "out")
    assert all(frame.depth is None for frame in capture.frames)
    assert capture.warnings == ("depth has another shape than colour and is not used: 48×48, 192×256 (4 of 4 frames)",)


def test_a_clock_that_jumps(tmp_path: Path) -> None:
    frames = arkit_frames(12)
    times = [0.5 * i + (3600 if i >= 6 else 0) for i in range(12)]
    apps.write_record3d(tmp_path / "r", frames, frameTimestamps=times)
    capture = read_capture(tmp_path / "r", tmp_path / "out", CaptureConfig(max_frames=6))
    assert len(capture.frames) == 6
    assert "clock jumps 1 times, first at frame 6" in capture.warnings[0]
    numbers = [int(frame.name[-10:-4]) for frame in capture.frames]
    assert max(np.diff(numbers)) <= 4  # spread over the whole, not two frames of it
    seconds = [frame.time or 0.0 for frame in capture.frames]
    assert max(seconds) < 6


def test_a_short_recording_with_a_broken_clock_and_a_licence(tmp_path: Path) -> None:
    apps.write_record3d(tmp_path / "r", arkit_frames(6), frameTimestamps=[0.0, 0.5, 1.0, 0.2, 0.7, 1.2])
    (tmp_path / "r" / "LICENSE").write_text("CC BY 4.0\n")
    capture = read_capture(tmp_path / "r", tmp_path / "out")
    assert [frame.time for frame in capture.frames] == pytest.approx([0, 0.5, 1.0, 1.5, 2.0, 2.5])
    assert "clock jumps 1 times, first at frame 3" in capture.warnings[0]
    assert capture.licence == "CC BY 4.0"


def test_two_devices_in_one_export(tmp_path: Path) -> None:
    apps.write_polycam(tmp_path / "p", arkit_frames(8))
    for file in sorted((tmp_path / "p" / "keyframes" / "corrected_cameras").iterdir())[4:]:
        camera = json.loads(file.read_text())
        file.write_text(json.dumps(camera | {"fx": 400.0, "fy": 400.0}))
    capture = read_capture(tmp_path / "p", tmp_path / "out")
    assert any("different lenses or devices" in warning for warning in capture.warnings)


def test_intrinsics_of_another_shape_leave_the_frame_out(tmp_path: Path) -> None:
    apps.write_polycam(tmp_path / "p", arkit_frames(5))
    file = sorted((tmp_path / "p" / "keyframes" / "corrected_cameras").iterdir())[2]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"width": 300}))
    capture = read_capture(tmp_path / "p", tmp_path / "out")
    assert len(capture.frames) == 4
    assert any("its picture is 256×192, its camera 300×192: another shape" in file.reason for file in capture.dropped)


def test_paths_that_lead_out_of_a_data_set(tmp_path: Path) -> None:
    frames = arkit_frames(5)
    apps.write_nerfstudio(tmp_path / "set", frames)
    apps.save(frames[0].picture, tmp_path / "secret.jpg")
    path = tmp_path / "set" / "transforms.json"
    data = json.loads(path.read_text())
    data["frames"][0]["file_path"] = "../secret.jpg"
    data["frames"][1]["file_path"] = str(tmp_path / "secret.jpg")
    path.write_text(json.dumps(data))
    with pytest.raises(CaptureError, match="lies outside the data set"):
        read_capture(tmp_path / "set", tmp_path / "out")
