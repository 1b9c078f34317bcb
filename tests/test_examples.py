"""Every example runs on a scene and shows what it promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from scan2sim.export import write_gymnasium
from scan2sim.scene import save_scene
from scan2sim.sim import PicturePolicy, settled_scene
from tests.scene.factory import make_scene

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    save_scene(make_scene(folder / "photos"), folder / "scene")
    return folder / "scene"


def test_moving_an_object_changes_the_picture_where_it_is_and_taking_all_away_leaves_none(scene, tmp_path):
    command = [sys.executable, str(EXAMPLES / "01_move_an_object.py"), str(scene), str(tmp_path / "picture.png")]
    subprocess.run(command, check=True, timeout=120)
    before, _, moved, empty = np.split(np.asarray(Image.open(tmp_path / "picture.png")).astype(int), 4, axis=1)
    red = [(image[..., 0] > 1.8 * image[..., 1]) & (image[..., 0] > 80) for image in (before, moved, empty)]
    assert red[0].sum() > 100  # the box
    assert red[1].sum() > 100
    assert (red[0] != red[1]).sum() > 50
    assert red[2].sum() < 0.02 * red[0].sum()


def test_a_policy_is_trained_and_measured_and_teaches_one_that_sees_pictures(tmp_path):
    pytest.importorskip("stable_baselines3")
    write_gymnasium(settled_scene(make_scene())[0], tmp_path / "gym", "desk")
    amount = ["--steps", "512", "--worlds", "4", "--episodes", "4", "--save", str(tmp_path / "policy")]
    command = [sys.executable, str(EXAMPLES / "02_train.py"), str(tmp_path / "gym"), *amount]
    said = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout
    assert re.search(r"success \d of 4: .*95 % interval", said)
    assert (tmp_path / "policy.zip").stat().st_size > 10_000
    curve = json.loads((tmp_path / "policy.json").read_text())
    assert [row["steps"] for row in curve["curve"]] == [256, 512]
    assert curve["success_low"] <= curve["success"] <= curve["success_high"]

    amount = ["--rounds", "2", "--steps", "2", "--batches", "2", "--worlds", "2", "--episodes", "2"]
    files = [str(tmp_path / "gym"), "--teacher", str(tmp_path / "policy"), "--save", str(tmp_path / "pictures")]
    command = [sys.executable, str(EXAMPLES / "03_train_from_pictures.py"), *files, *amount]
    said = subprocess.run(command, check=True, timeout=240, capture_output=True, text=True).stdout
    assert re.search(r"success \d of 2: .*95 % interval", said)
    curve = json.loads((tmp_path / "pictures.json").read_text())
    assert [row["pictures"] for row in curve["curve"]] == [4, 8]
    student = PicturePolicy()
    student.load_state_dict(load_file(tmp_path / "pictures.safetensors"))
    assert student.act(np.zeros((3, 64, 64, 3), np.uint8)).shape == (3, 2)


def test_every_example_is_numbered_and_short():
    for path in EXAMPLES.glob("*.py"):
        assert path.name[:2].isdigit()
        assert len(path.read_text().splitlines()) <= 100
