from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.ndimage import convolve

from scan2sim.capture.scores import score_pixels
from tests.capture.pictures import picture


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    pixels = picture(1, 640, 480)
    luma = np.asarray(Image.fromarray(pixels).convert("L"), dtype=float)
    laplacian = convolve(luma, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])[1:-1, 1:-1]
    assert score_pixels(pixels).sharpness == pytest.approx(laplacian.var(), rel=1e-4)


def test_blur_lowers_sharpness_and_light_raises_exposure() -> None:
    image = Image.fromarray(picture(2, 640, 480))
    scores = [
        score_pixels(np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))).sharpness for radius in (0, 1, 3)
    ]
    assert scores[0] > scores[1] > scores[2]
    for value in (0, 51, 255):
        assert score_pixels(np.full((60, 80, 3), value, np.uint8)).exposure == pytest.approx(value / 255)


def test_thumbnails_ignore_exposure() -> None:
    pixels = picture(3)
    same = score_pixels((pixels * 0.5 + 20).astype(np.uint8)).thumbnail @ score_pixels(pixels).thumbnail
    other = score_pixels(picture(4)).thumbnail @ score_pixels(pixels).thumbnail
    assert same > 0.995
    assert other < 0.6
    assert not score_pixels(np.full((60, 80, 3), 9, np.uint8)).thumbnail.any()
