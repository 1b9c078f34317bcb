import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scan2sim.capture import read_capture
from scan2sim.errors import ExportError
from scan2sim.export import check_nerfstudio, write_nerfstudio
from scan2sim.scene import Scene, read_points
from tests.scene.factory import make_scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(tmp_path / "photos")


def test_our_own_reader_of_their_format_finds_the_same_cameras(scene: Scene, tmp_path: Path) -> None:
    path = write_nerfstudio(scene, tmp_path / "ns")
    capture = read_capture(path.parent, tmp_path / "capture")
    assert capture.source == "nerfstudio"
    frames = {Path(frame.image).stem: frame for frame in capture.frames}
    for expected in scene.cameras:
        found = frames[Path(expected.file).stem]
        assert found.world_from_camera == pytest.approx(expected.camera.world_from_camera, abs=1e-9)
        assert found.intrinsics == expected.camera.intrinsics
    assert read_points(tmp_path / "ns" / "sparse_pc.ply")[0] == pytest.approx(scene.points)


def test_the_conventions_are_theirs(scene: Scene, tmp_path: Path) -> None:
    data = json.loads(write_nerfstudio(scene, tmp_path / "ns").read_text())
    pose = np.array(data["frames"][0]["transform_matrix"])
    target = scene.objects[0].position - pose[:3, 3]
    assert target @ pose[:3, 2] < 0, "an OpenGL camera looks along -z"
    assert pose[2, 1] > 0, "its y points up"
    assert (data["fl_x"], data["w"], data["h"]) == (90.0, 96, 72)
    assert data["applied_transform"] == np.eye(4)[:3].tolist()
    assert data["applied_scale"] == 1


def test_each_photo_may_have_a_lens_of_its_own(scene: Scene, tmp_path: Path) -> None:
    first = scene.cameras[0]
    wider = replace(first.camera, intrinsics=replace(first.camera.intrinsics, fx=70.0))
    mixed = replace(scene, cameras=(replace(first, camera=wider), *scene.cameras[1:]))
    data = json.loads(write_nerfstudio(mixed, tmp_path / "ns").read_text())
    assert "fl_x" not in data
    assert [frame["fl_x"] for frame in data["frames"]] == [70.0, 90.0, 90.0, 90.0]
    assert check_nerfstudio(tmp_path / "ns")["passed"]


def test_what_is_damaged_does_not_pass(scene: Scene, tmp_path: Path) -> None:
    path = write_nerfstudio(scene, tmp_path / "ns")
    assert check_nerfstudio(path.parent)["passed"]
    text = path.read_text()
    data = json.loads(text)
    for frame in data["frames"]:  # OpenCV's axes: cameras look away
        frame["transform_matrix"] = (np.array(frame["transform_matrix"]) @ np.diag([1, -1, -1, 1])).tolist()
    path.write_text(json.dumps(data))
    assert any("hardly any" in p for p in check_nerfstudio(path.parent)["problems"])
    path.write_text(text.replace('"w": 96', '"w": 97'))
    assert any("96×72 pixels instead of 97×72" in p for p in check_nerfstudio(path.parent)["problems"])
    for old, new, match in (
        ("images/view-0.png", "../view-0.png", "outside"),
        ('"transform_matrix"', '"matrix"', "not complete"),
        ('"frames"', '"photos"', "not complete"),
        ("sparse_pc.ply", "points.ply", "lacks this file"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(ExportError, match=match):
            check_nerfstudio(path.parent)


def test_a_scene_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no photos"):
        write_nerfstudio(make_scene(), tmp_path / "ns")
    assert list(tmp_path.iterdir()) == []
