from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scan2sim.cameras import Intrinsics
from scan2sim.capture import Capture, load_capture, read_capture, save_capture
from scan2sim.errors import CaptureError
from tests.capture.pictures import write_photos


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Capture, Path]:
    folder = tmp_path / "01-capture"
    write_photos(tmp_path / "photos")
    (tmp_path / "photos" / "notes.txt").write_text("hello")
    capture = read_capture(tmp_path / "photos", folder)
    first = replace(
        capture.frames[0],
        intrinsics=Intrinsics(160, 120, 150.0, 151.0, 80.0, 60.0),
        world_from_camera=np.eye(4) + 0.1,
        gravity=(0.0, 1.0, 0.0),
        flags=("dark",),
    )
    capture = replace(capture, frames=(first, *capture.frames[1:]), device="a phone")
    save_capture(capture, folder)
    return capture, folder


def test_a_capture_survives_being_saved_and_moved(saved: tuple[Capture, Path], tmp_path: Path) -> None:
    capture, folder = saved
    shutil.move(folder, tmp_path / "moved")
    loaded = load_capture(tmp_path / "moved")
    assert loaded.dropped == capture.dropped
    assert (loaded.source, loaded.device, loaded.licence) == (capture.source, capture.device, capture.licence)
    for frame, original in zip(loaded.frames, capture.frames, strict=True):
        assert frame.image == tmp_path / "moved" / "images" / original.name
        if original.world_from_camera is not None:
            np.testing.assert_array_equal(frame.world_from_camera, original.world_from_camera)
        plain = {"image": None, "world_from_camera": None}
        assert replace(frame, **plain) == replace(original, **plain)


def test_damaged_files_are_refused(saved: tuple[Capture, Path]) -> None:
    _, folder = saved
    path = folder / "capture.json"
    data = json.loads(path.read_text())
    damages = [
        {"format": "other"},
        {"version": 99},
        {"frames": [{}]},
        {"frames": [{**data["frames"][0], "image": "images/absent.jpg"}]},
        {"frames": [{**data["frames"][0], "image": "../photos/IMG_0.jpg"}]},
        {"dropped": None},
    ]
    for damage in damages:
        path.write_text(json.dumps({**data, **damage}))
        with pytest.raises(CaptureError, match="damaged"):
            load_capture(folder)
    path.write_text("{")
    with pytest.raises(CaptureError, match="not valid JSON"):
        load_capture(folder)
    path.unlink()
    with pytest.raises(CaptureError, match="no such file"):
        load_capture(folder)
