from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import PosesError
from scan2sim.geometry import look_at
from scan2sim.poses import Gravity, PosedCapture, PosedFrame, Scale, load_posed, save_posed


def posed_capture(folder: Path) -> PosedCapture:
    (folder / "images").mkdir(parents=True)
    frames = []
    for i in range(4):
        path = folder / "images" / f"{i}.png"
        Image.new("RGB", (64, 48)).save(path)
        camera = Camera(Intrinsics(64, 48, 60.0 + (i == 3), 60.0, 32.0, 24.0), look_at([0.5, i * 0.1, 0.4], [0, 0, 0]))
        frame = PosedFrame(path, f"{i}.webp" if i == 2 else f"{i}.png", camera, float("nan") if i == 1 else 0.5)
        if i == 3:
            np.save(folder / "depth.npy", np.ones((3, 4), np.float32))
            frame = replace(frame, depth=folder / "depth.npy")
        frames.append(frame)
    return PosedCapture(
        tuple(frames),
        np.random.default_rng(0).normal(size=(30, 3)),
        np.random.default_rng(0).integers(0, 256, (30, 3), dtype=np.uint8),
        Scale("guess", 0.35),
        Gravity("support", 2.1),
        ("5.png",),
        ({"name": "incremental", "registered": 4, "total": 5, "error_px": 0.5, "seconds": 1.0},),
        ("one photo is missing",),
        np.array([[0, 3], [0, 29], [3, 0]], np.int32),
    )


def test_a_posed_capture_survives_being_saved_and_moved(tmp_path: Path) -> None:
    posed = posed_capture(tmp_path / "02-poses")
    save_posed(posed, tmp_path / "02-poses")
    shutil.move(tmp_path / "02-poses", tmp_path / "moved")
    loaded = load_posed(tmp_path / "moved")
    np.testing.assert_array_equal(loaded.points, posed.points)
    np.testing.assert_array_equal(loaded.point_colors, posed.point_colors)
    assert (loaded.scale, loaded.gravity) == (posed.scale, posed.gravity)
    assert (loaded.unregistered, loaded.steps, loaded.warnings) == (posed.unregistered, posed.steps, posed.warnings)
    np.testing.assert_array_equal(loaded.observations, posed.observations)
    assert loaded.frames[3].depth == tmp_path / "moved" / "depth.npy"
    for frame, original in zip(loaded.frames, posed.frames, strict=True):
        assert frame.image == tmp_path / "moved" / "images" / original.image.name
        assert frame.name == original.name
        assert (frame.depth is None) == (original.depth is None)
        assert frame.confidence is None
        assert frame.camera.intrinsics == original.camera.intrinsics
        np.testing.assert_array_equal(frame.camera.world_from_camera, original.camera.world_from_camera)
        np.testing.assert_equal(frame.residual, original.residual)


def test_files_from_before_observations_and_depth_still_load(tmp_path: Path) -> None:
    posed = posed_capture(tmp_path)
    old = tuple(replace(frame, depth=None) for frame in posed.frames)
    save_posed(replace(posed, frames=old, observations=None), tmp_path)
    with np.load(tmp_path / "points.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"points", "colors"}
    assert all(
        set(entry) == {"name", "residual"} for entry in json.loads((tmp_path / "posed.json").read_text())["frames"]
    )
    loaded = load_posed(tmp_path)
    assert loaded.observations is None
    assert all(frame.depth is None for frame in loaded.frames)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "02-poses"
    save_posed(posed_capture(folder), folder)
    good = {name: (folder / name).read_bytes() for name in ("posed.json", "points.npz", "cameras.json")}
    data = json.loads(good["posed.json"])

    def damaged(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        with pytest.raises(PosesError, match=r"run the poses stage again|no such file|not valid JSON"):
            load_posed(folder)
        (folder / name).write_bytes(good[name])

    load_posed(folder)
    damaged("points.npz", good["points.npz"][:100])
    damaged("points.npz", b"")
    damaged("posed.json", json.dumps({**data, "format": "other"}).encode())
    damaged("posed.json", json.dumps({**data, "frames": data["frames"][:3]}).encode())
    damaged("posed.json", json.dumps({**data, "scale": {}}).encode())
    damaged("cameras.json", good["cameras.json"].replace(b"images/0.png", b"images/9.png"))
    damaged("cameras.json", good["cameras.json"].replace(b"images/0.png", b"../../secret"))
    damaged("posed.json", good["posed.json"].replace(b"depth.npy", b"../x.npy"))
    for bad in ([[4, 0]], [[0, 30]], [[-1, 0]], [0, 1], [[0.5, 1.0]]):
        np.savez(folder / "points.npz", points=np.zeros((30, 3)), colors=np.zeros((30, 3)), observations=np.array(bad))
        damaged("points.npz", (folder / "points.npz").read_bytes())
    np.savez(folder / "points.npz", points=np.array([{}], dtype=object), colors=np.zeros((1, 3)))
    damaged("points.npz", (folder / "points.npz").read_bytes())
