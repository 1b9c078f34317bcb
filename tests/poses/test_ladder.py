from __future__ import annotations

from pathlib import Path
from typing import Any

import pycolmap
import pytest

from scan2sim.capture import Capture, Frame
from scan2sim.poses import PosesConfig, ladder
from scan2sim.poses.mapping import better_model
from scan2sim.progress import silent

TOTAL = 10


def capture(tmp_path: Path) -> Capture:
    frames = tuple(Frame(tmp_path / f"{i}.jpg", f"{i}.jpg", 64, 48, None, 1.0, 0.5, 0.0) for i in range(TOTAL))
    return Capture(frames, "photos")


def model_of(placed: int, noise: float = 0.5) -> pycolmap.Reconstruction:
    """A model in which so many of the frames have a camera."""
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig = 1, 1, TOTAL
    options.num_points3D = 60
    model = pycolmap.synthesize_dataset(options)
    pycolmap.synthesize_noise(pycolmap.SyntheticNoiseOptions(point2D_stddev=noise), model)
    model.update_point_3d_errors()
    names = [f"{i:06d}.jpg" for i in range(TOTAL)]
    for name, image_id in zip(names, sorted(model.images), strict=True):
        model.images[image_id].name = name
    for image_id in sorted(model.images)[placed:]:
        model.deregister_frame(model.images[image_id].frame_id)
    return model


@pytest.fixture
def rungs(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """The costly steps replaced by ones that record that they were taken and give the next model prepared for them."""
    prepared: dict[str, list[Any]] = {"incremental": [], "global": [], "guided": [], "taken": []}

    def rung(name: str) -> Any:
        def take(*_: object) -> Any:
            prepared["taken"].append(name)
            return prepared[name].pop(0)

        return take

    monkeypatch.setattr(ladder, "add_lenses", lambda workspace, _: workspace)
    monkeypatch.setattr(ladder, "extract_features", lambda *_: None)
    monkeypatch.setattr(ladder, "match_features", lambda *_: None)
    monkeypatch.setattr(ladder, "incremental_mapping", rung("incremental"))
    monkeypatch.setattr(ladder, "global_mapping", rung("global"))
    monkeypatch.setattr(ladder, "_guided", rung("guided"))
    return prepared


def climb(tmp_path: Path) -> ladder.Climb:
    return ladder.climb(capture(tmp_path), tmp_path / "colmap", PosesConfig(), silent)


def test_full_registration_stops_the_climb_at_once(tmp_path: Path, rungs: dict[str, list[Any]]) -> None:
    rungs["incremental"] = [model_of(10)]
    result = climb(tmp_path)
    assert rungs["taken"] == ["incremental"]
    assert result.share == 1
    assert [step["name"] for step in result.steps] == ["features", "matching", "incremental"]
    assert result.steps[-1]["registered"] == result.steps[-1]["total"] == 10
    assert result.steps[-1]["error_px"] > 0


def test_a_partial_model_climbs_to_the_global_mapper(tmp_path: Path, rungs: dict[str, list[Any]]) -> None:
    rungs["incremental"], rungs["global"] = [model_of(9)], [model_of(10)]
    assert climb(tmp_path).share == 1
    assert rungs["taken"] == ["incremental", "global"]


def test_the_best_model_is_kept_and_most_frames_are_enough(tmp_path: Path, rungs: dict[str, list[Any]]) -> None:
    best = model_of(9)
    rungs["incremental"], rungs["global"], rungs["guided"] = [best], [model_of(4)], [None]
    result = climb(tmp_path)
    assert result.model is best
    assert rungs["taken"] == ["incremental", "global", "guided"]
    assert [step["registered"] for step in result.steps] == [0, 0, 9, 4, 0]


def test_few_frames_climb_to_the_top(tmp_path: Path, rungs: dict[str, list[Any]]) -> None:
    rungs["incremental"] = [model_of(5), model_of(8)]
    rungs["global"] = [model_of(6), model_of(7)]
    rungs["guided"] = [model_of(6), model_of(9)]
    result = climb(tmp_path)
    assert rungs["taken"] == ["incremental", "global", "guided"] * 2
    assert result.share == 0.9
    assert result.steps[-1]["name"] == "thorough guided"


def test_nothing_works(tmp_path: Path, rungs: dict[str, list[Any]]) -> None:
    rungs["incremental"], rungs["global"] = [None, None], [None, None]
    result = climb(tmp_path)
    assert result.model is None
    assert result.share == 0
    assert rungs["taken"] == ["incremental", "global"] * 2


def test_the_better_model_has_more_cameras_then_less_error() -> None:
    few, many = model_of(6), model_of(9)
    rough, exact = model_of(9, noise=2.0), model_of(9, noise=0.1)
    assert better_model(few, many) is many
    assert better_model(many, few) is many
    assert better_model(rough, exact) is exact
    assert better_model(None, few) is few
    assert better_model(few, None) is few
    assert better_model(None, None) is None
