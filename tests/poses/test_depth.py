"""Depth and confidence from a sensor: what is read, what is refused, and how a lens moves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from scan2sim.cameras import Intrinsics
from scan2sim.capture import Frame
from scan2sim.errors import PosesError
from scan2sim.poses import read_confidence, read_depth
from scan2sim.poses.depth import undistort_depth

PINHOLE = Intrinsics(320, 240, 300.0, 300.0, 160.0, 120.0)


def make_frame(folder: Path, depth: np.ndarray, confidence: np.ndarray | None = None) -> Frame:
    np.save(folder / "depth.npy", depth)
    if confidence is not None:
        Image.fromarray(confidence).save(folder / "confidence.png")
    return Frame(
        folder / "a.jpg",
        "a.jpg",
        320,
        240,
        None,
        1.0,
        0.5,
        0.0,
        depth=folder / "depth.npy",
        confidence=None if confidence is None else folder / "confidence.png",
    )


def test_millimetres_and_metres_are_the_same_depth(tmp_path: Path) -> None:
    depth = np.array([[0.5, 1.25], [0.0, 65.535]])
    Image.fromarray((depth * 1000).astype(np.uint16)).save(tmp_path / "d.png")
    np.save(tmp_path / "d.npy", np.array([[0.5, 1.25], [np.nan, 65.535]], np.float32))
    np.testing.assert_allclose(read_depth(tmp_path / "d.png"), depth, rtol=1e-6)
    np.testing.assert_allclose(read_depth(tmp_path / "d.npy"), depth, rtol=1e-6)


def test_what_is_no_depth_or_confidence_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "rgb.png")
    Image.new("L", (4, 4)).save(tmp_path / "grey.png")
    np.save(tmp_path / "volume.npy", np.zeros((2, 2, 2)))
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    np.save(tmp_path / "high.npy", np.full((2, 2), 3, np.uint8))
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    for name in ("rgb.png", "grey.png", "volume.npy", "objects.npy", "broken.npy", "absent.png"):
        with pytest.raises(PosesError, match="16-bit PNG"):
            read_depth(tmp_path / name)
    with pytest.raises(PosesError, match="0, 1 and 2"):
        read_confidence(tmp_path / "high.npy")


def test_without_distortion_depth_stays_as_it_is(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).uniform(0.2, 2, (60, 80)).astype(np.float32)
    confidence = np.random.default_rng(1).integers(0, 3, (60, 80), dtype=np.uint8)
    lens = pycolmap.Camera(model="PINHOLE", width=320, height=240, params=[300.0, 300.0, 160.0, 120.0])
    frame = make_frame(tmp_path, depth, confidence)
    found = undistort_depth(frame, lens, PINHOLE, tmp_path / "depth")
    assert found[0] is not None
    assert found[1] is not None
    np.testing.assert_array_equal(read_depth(found[0]), depth)
    np.testing.assert_array_equal(read_confidence(found[1]), confidence)


def test_a_lens_moves_depth_as_it_moves_the_photo(tmp_path: Path) -> None:
    lens = pycolmap.Camera(model="SIMPLE_RADIAL", width=320, height=240, params=[300.0, 160.0, 120.0, 0.2])
    rows, columns = np.mgrid[:120, :160]
    frame = make_frame(tmp_path, (1 + columns + 1000 * rows).astype(np.float32))
    path, none = undistort_depth(frame, lens, PINHOLE, tmp_path / "depth")
    assert none is None
    assert path is not None
    found = read_depth(path)
    x, y = 100, 30  # a pixel of the undistorted map, at half the photo's resolution
    ray = np.array([[(2 * x + 1 - 160) / 300, (2 * y + 1 - 120) / 300, 1.0]])
    u, v = np.asarray(lens.img_from_cam(ray))[0] / 2
    assert found[y, x] == 1 + int(u) + 1000 * int(v)
