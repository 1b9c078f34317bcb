"""A posed capture becomes one in metres with z up, with all its evidence on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scan2sim.capture import Frame
from scan2sim.poses import PosedCapture, PosesConfig, load_posed, save_posed
from scan2sim.poses.metric import into_metres
from tests.poses.metric.tabletop import around, blank_table, shoot

Array = NDArray[np.float64]

TILT = Rotation.from_euler("y", 10, degrees=True).as_matrix()
UP = TILT @ [0.0, 0.0, 1.0]
FACTOR = 1.25


@pytest.fixture(scope="module")
def guessed(tmp_path_factory: pytest.TempPathFactory) -> PosedCapture:
    folder = tmp_path_factory.mktemp("posed")
    (folder / "images").mkdir()
    posed = shoot(blank_table()[:, ::-1].copy(), folder / "images", FACTOR).posed
    points = np.random.default_rng(0).uniform([-0.2, -0.2, 0], [0.2, 0.2, 0.05], (50, 3)) / FACTOR
    return replace(posed, points=points, point_colors=np.zeros((50, 3), np.uint8))


def taken(posed: PosedCapture, *, poses: bool = False, gravity: bool = False) -> list[Frame]:
    """What a phone that knows the table to be tilted by 10° recorded, y up."""
    y_up = np.eye(4)
    y_up[:3, :3] = Rotation.align_vectors([[0, 1, 0]], [UP])[0].as_matrix()
    frames = []
    for frame, camera in zip(posed.frames, around(), strict=True):
        pose = camera.world_from_camera
        down = pose[:3, :3].T @ -UP
        frames.append(
            Frame(
                frame.image,
                frame.name,
                480,
                360,
                None,
                1.0,
                0.5,
                0.0,
                world_from_camera=y_up @ pose if poses else None,
                gravity=(float(down[0]), float(down[1]), float(down[2])) if gravity else None,
            )
        )
    return frames


def test_tracking_gives_metres_and_gravity_and_the_table_stays_tilted(guessed: PosedCapture) -> None:
    done = into_metres(guessed, taken(guessed, poses=True, gravity=True), PosesConfig())
    assert (done.scale.source, done.gravity.source) == ("arkit", "imu")
    for frame, camera in zip(done.frames, around(), strict=True):
        assert np.linalg.norm(frame.camera.position) == pytest.approx(np.linalg.norm(camera.position), rel=1e-3)
        assert frame.camera.position[2] == pytest.approx(UP @ camera.position, abs=2e-3)
    assert done.points @ done.support_normal == pytest.approx(FACTOR * guessed.points[:, 2], abs=1e-3)
    assert np.degrees(np.arccos(done.support_normal[2])) == pytest.approx(10, abs=0.2)
    assert any("tilted by 10.0°" in warning for warning in done.warnings)
    assert {each["source"] for each in done.gravity.evidence} == {"support", "imu", "arkit"}


def test_a_convention_that_had_to_be_undone_is_said(guessed: PosedCapture) -> None:
    frames = []
    for frame in taken(guessed, poses=True):
        assert frame.world_from_camera is not None
        frames.append(replace(frame, world_from_camera=frame.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0])))
    done = into_metres(guessed, frames, PosesConfig())
    assert done.scale.source == "arkit"
    assert any("read as OpenGL axes" in warning for warning in done.warnings)


def test_without_evidence_nothing_changes(guessed: PosedCapture) -> None:
    done = into_metres(guessed, taken(guessed), PosesConfig())
    assert (done.scale.source, done.scale.relative_sigma, done.gravity.source) == ("guess", 0.35, "support")
    assert done.support_normal == (0.0, 0.0, 1.0)
    for before, after in zip(guessed.frames, done.frames, strict=True):
        assert after.camera.world_from_camera == pytest.approx(before.camera.world_from_camera, abs=1e-12)


def test_evidence_that_was_asked_for_and_is_not_there_is_a_warning(guessed: PosedCapture) -> None:
    done = into_metres(guessed, taken(guessed), PosesConfig(marker="tag36h11:0.05"))
    assert done.scale.source == "guess"
    assert any("the marker was not used for the scale: no marker" in warning for warning in done.warnings)


def test_evidence_and_the_tilt_survive_the_disk(guessed: PosedCapture) -> None:
    done = into_metres(guessed, taken(guessed, poses=True), PosesConfig())
    folder: Path = guessed.frames[0].image.parents[1]
    save_posed(done, folder)
    back = load_posed(folder)
    assert (back.scale, back.gravity) == (done.scale, done.gravity)
    assert back.support_normal == pytest.approx(done.support_normal)
