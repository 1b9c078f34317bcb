"""Models that a person gives: part of the cache key by what they hold, and refused before anything is built."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from scan2sim.cli import main
from scan2sim.pipeline import BuildConfig
from scan2sim.pipeline.corridor import Corridor
from tests.pipeline.tiny import make_capture

pytest.importorskip("transformers", reason="needs transformers: pip install 'scan2sim[sam]'")
from tests.objects.tiny_models import save_sam


def key(build: Path, sam: Path | None) -> str:
    config = BuildConfig()
    config = replace(config, objects=replace(config.objects, sam=sam))
    stage = next(stage for stage in Corridor(build, build, config).stages() if stage.name == "objects")
    return stage.key({}, stage.inputs())


def test_the_cache_key_follows_the_weights_and_not_their_place(tmp_path: Path) -> None:
    first = save_sam(tmp_path / "sam")
    second = Path(shutil.copytree(first, tmp_path / "elsewhere"))
    without, given = key(tmp_path, None), key(tmp_path, first)
    assert without != given == key(tmp_path, second) == key(tmp_path, second / "model.safetensors")
    data = bytearray((second / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (second / "model.safetensors").write_bytes(data)
    assert key(tmp_path, second) not in (without, given)


def test_weights_that_cannot_be_used_are_refused_before_anything_is_built(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photos = make_capture(tmp_path / "capture")
    (tmp_path / "model.pt").write_bytes(b"")
    for place, reason in ((tmp_path / "nowhere", "no folder"), (tmp_path / "model.pt", "can run any program")):
        arguments = ["build", str(photos), "-o", str(tmp_path / "out"), "--objects.sam", str(place), "--json"]
        assert main(arguments) == 2
        assert reason in json.loads(capfd.readouterr().out)["error"]["message"]
        assert not (tmp_path / "out").exists()
