from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest
from PIL import Image
from scipy.ndimage import center_of_mass, label

from scan2sim.capture import Frame
from scan2sim.errors import PosesError
from scan2sim.poses.undistort import undistort_frame

RAYS = np.array([[x, y, 1.0] for x in np.linspace(-0.4, 0.4, 7) for y in np.linspace(-0.3, 0.3, 5)])


def lens_of(k: float) -> pycolmap.Camera:
    return pycolmap.Camera(model="SIMPLE_RADIAL", width=640, height=480, params=[600.0, 320.0, 240.0, k])


def dotted(path: Path, lens: pycolmap.Camera) -> Frame:
    """A photo of dots in known directions, as the lens sees them."""
    y, x = np.mgrid[:480, :640] + 0.5
    image = np.full((480, 640), 60.0)
    for u, v in np.asarray(lens.img_from_cam(RAYS)):
        image += 190 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 2.0**2))
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).convert("RGB").save(path, quality=98, lossless=True)
    return Frame(path, path.name, 640, 480, None, 1.0, 0.5, 0.0)


@pytest.mark.parametrize("k", [-0.15, 0.1])
@pytest.mark.parametrize("name", ["photo.png", "photo.JPG", "photo.webp"])
def test_directions_land_where_the_pinhole_says(tmp_path: Path, k: float, name: str) -> None:
    lens = lens_of(k)
    frame = dotted(tmp_path / name, lens)
    (tmp_path / "out").mkdir()
    path, pinhole = undistort_frame(frame, lens, tmp_path / "out")
    assert path == tmp_path / "out" / name
    with Image.open(path) as image:
        assert image.format == {"png": "PNG", "JPG": "JPEG", "webp": "WEBP"}[name.split(".")[1]]
        grey = np.asarray(image.convert("L"), dtype=float)
    assert grey.shape == (pinhole.height, pinhole.width)
    assert 400 < pinhole.height < 560
    assert grey.min() > 40  # no black borders
    labelled: Any = label(grey > 110)
    labels, count = labelled
    found = np.array(center_of_mass(grey - 60, labels, range(1, count + 1)))[:, ::-1] + 0.5
    expected = RAYS[:, :2] * [pinhole.fx, pinhole.fy] + [pinhole.cx, pinhole.cy]
    inside = ((expected > 8) & (expected < [pinhole.width - 8, pinhole.height - 8])).all(1)
    assert inside.sum() >= 15
    nearest = np.linalg.norm(expected[inside, None] - found[None], axis=2).min(1)
    assert nearest.max() < 0.2


def test_a_straight_photo_is_copied(tmp_path: Path) -> None:
    frame = dotted(tmp_path / "photo.jpg", lens_of(0.0))
    (tmp_path / "out").mkdir()
    path, pinhole = undistort_frame(frame, lens_of(1e-5), tmp_path / "out")
    assert path.read_bytes() == frame.image.read_bytes()
    assert (pinhole.width, pinhole.height, pinhole.fx, pinhole.cx) == (640, 480, 600.0, 320.0)


def test_an_absurd_lens_is_an_error(tmp_path: Path) -> None:
    frame = dotted(tmp_path / "photo.png", lens_of(0.0))
    fisheye = pycolmap.Camera(model="SIMPLE_RADIAL", width=640, height=480, params=[120.0, 320.0, 240.0, 0.9])
    with pytest.raises(PosesError, match=r"photo\.png leaves \d+×\d+"):
        undistort_frame(frame, fisheye, tmp_path)
