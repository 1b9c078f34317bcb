"""The real stages on a tiny capture: what a build leaves, what it skips, kills anywhere, and replayed corrections."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.cli import main
from scan2sim.errors import PosesError, UsageError
from scan2sim.pipeline import STAGES, build_capture, build_config, build_status, read_corrections
from scan2sim.pipeline.keys import digest_folder
from scan2sim.scene import load_scene, validate_scene
from tests.capture.pictures import write_photos
from tests.pipeline.killing import kill, start_and_pause
from tests.pipeline.tiny import build_and_pause, make_capture, tiny_config


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_capture(tmp_path_factory.mktemp("capture"))


@pytest.fixture(scope="module")
def master(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed build that no test changes."""
    build = tmp_path_factory.mktemp("outputs") / "tiny"
    build_capture(photos, build, tiny_config(photos))
    return build


@pytest.fixture
def build(master: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master, tmp_path / "tiny"))


def test_a_build_leaves_a_scene_a_report_and_records(master: Path) -> None:
    scene = load_scene(master / "scene")
    assert not validate_scene(scene)
    assert len(scene.images) == 16
    assert scene.quality["frames"] == scene.quality["registered"] == 16
    assert scene.quality["held_out_psnr"] > 15
    assert scene.quality["settle_drift_mm"] >= 0
    assert scene.provenance["seed"] == 0
    assert (master / "report.html").stat().st_size > 10_000
    for name, folder in STAGES.items():
        record = json.loads((master / folder / "stage.json").read_text())
        assert record["stage"] == name
        assert record["seconds"] >= 0
        assert 10 < record["peak_memory_mib"] < 6144
    assert {path.name for path in master.iterdir() if path.name.startswith(".")} == {".lock"}


def test_a_scene_may_be_moved_anywhere(build: Path, tmp_path: Path) -> None:
    before = load_scene(build / "scene")
    moved = (build / "scene").rename(tmp_path / "elsewhere")
    shutil.rmtree(build)
    assert main(["scale", str(moved), "--factor", "2"]) == 0
    after = load_scene(moved)
    assert all(image.is_file() for image in after.images)
    for old, new in zip(before.cameras, after.cameras, strict=True):
        assert np.allclose(new.camera.position, 2 * old.camera.position)


def test_again_it_takes_no_time_and_changes_nothing(build: Path, photos: Path) -> None:
    before = digest_folder(build, leave_out=("build.log", ".lock"))
    started = time.perf_counter()
    build_capture(photos, build, tiny_config(photos))
    assert time.perf_counter() - started < 1
    assert digest_folder(build, leave_out=("build.log", ".lock")) == before


def test_only_what_a_setting_touches_runs_again(build: Path, photos: Path) -> None:
    seen: set[str] = set()
    config = tiny_config(photos)
    config = replace(config, fit=replace(config.fit, steps=20))
    build_capture(photos, build, config, until="splats", report=lambda what, done, total: seen.add(what))
    assert {"capture (unchanged)", "poses (unchanged)", "splats"} <= seen
    states = {stage.name: stage.state for stage in build_status(build).stages}
    assert states["splats"] == "done"
    assert states["objects"] == states["scene"] == "outdated"


def test_corrections_are_replayed(photos: Path, tmp_path: Path) -> None:
    config = tiny_config(photos)
    config = replace(config, fit=replace(config.fit, steps=400, max_gaussians=12000))  # enough to find objects
    build = tmp_path / "tiny"
    build_capture(photos, build, config)
    assert main(["scale", str(build), "--factor", "1.5"]) == 0
    corrected = load_scene(build / "scene")
    build_capture(photos, build, config, start="objects")
    again = load_scene(build / "scene")
    assert again.objects
    assert [correction["factor"] for correction in again.corrections] == [1.5]
    assert list(again.corrections) == read_corrections(build)
    assert np.allclose(corrected.points, again.points)
    for a, b in zip(corrected.objects, again.objects, strict=True):
        assert a.name == b.name
        restless = (a.figures["drift_mm"] + b.figures["drift_mm"]) / 1000  # a crumb rolls on, and elsewhere
        assert np.linalg.norm(np.subtract(a.position, b.position)) < 1e-3 + restless
        assert a.physical.mass.value == pytest.approx(b.physical.mass.value, rel=1e-6)


def product(build: Path) -> dict[str, bytes]:
    """What a build is for: its scene, its splats and what it found out about both."""
    return {
        path.relative_to(build).as_posix(): path.read_bytes()
        for place in ("scene", "02-poses", "03-splats", "04-objects")
        for path in sorted((build / place).rglob("*"))
        if path.is_file() and path.name not in ("stage.json", "checkpoint.npz")
    }


def test_killed_in_every_stage_it_ends_the_same(master: Path, photos: Path, tmp_path: Path) -> None:
    build = tmp_path / "tiny"
    for name in STAGES:
        kill(start_and_pause(build, build_and_pause, photos, name))
        assert not (build / STAGES[name]).exists(), name
    build_capture(photos, build, tiny_config(photos))
    log = (build / "build.log").read_text()
    assert "splats: starts, goes on from its checkpoint" in log
    assert log.count("capture: done") == log.count("poses: done") == log.count("splats: done") == 1
    ours, undisturbed = product(build), product(master)
    assert ours.keys() == undisturbed.keys()
    assert [name for name in ours if ours[name] != undisturbed[name]] == []


def test_an_output_inside_the_capture_is_refused(photos: Path) -> None:
    with pytest.raises(UsageError, match="inside the capture"):
        build_capture(photos, photos / "outputs", tiny_config(photos))
    assert {path.suffix for path in photos.rglob("*")} == {".jpg"}


def test_when_no_cameras_are_found_the_worst_photos_are_shown(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 6)
    config = build_config("draft")
    config = replace(config, poses=replace(config.poses, max_image_size=320, max_features=200, num_threads=1))
    with pytest.raises(PosesError, match="cameras were found for only 0 of 6 photos") as error:
        build_capture(photos, tmp_path / "build", config)
    picture = tmp_path / "build" / "worst-photos.jpg"
    assert str(picture) in error.value.todo
    with Image.open(picture) as image:
        assert image.width > 1000
    good = make_capture(tmp_path / "good")
    build_capture(good, tmp_path / "build", tiny_config(good), until="poses")
    assert not picture.exists()
