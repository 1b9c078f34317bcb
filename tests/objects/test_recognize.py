"""Words from photos: what is cut out of them, and that a word is used only where it is sure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from scan2sim.objects.recognize import crops_of, recognize

RED, GREEN, TABLE = (0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.2, 0.2, 0.9)


class Hues:
    """Knows red things surely and green ones a little."""

    name = "hues"

    def name_of(self, crops: Sequence[Tensor]) -> tuple[str, float]:
        middles = torch.stack([crop[crop.shape[0] // 2, crop.shape[1] // 2] for crop in crops]).mean(0)
        return ("tomato", 0.9) if middles[0] > middles[1] else ("lime", 0.4)


def pictures(views: int = 8) -> tuple[list[Tensor], list[Tensor]]:
    """Object 1 is red and grows from view to view, 2 is green and cut by the rim, 3 is seen by too few pixels."""
    pixels, photos = [], []
    for i in range(views):
        picture = torch.zeros(80, 120, dtype=torch.int64)
        picture[10 : 30 + i, 20:50] = 1
        picture[40:80, 100:120] = 2
        picture[60:66, 5:11] = 3
        pixels.append(picture)
        photos.append(torch.tensor([TABLE, RED, GREEN, RED])[picture])
    return pixels, photos


def test_only_sure_words_are_used() -> None:
    pixels, photos = pictures()
    assert recognize(Hues(), [1, 2, 3], pixels, photos, 0.5) == {1: ("tomato", 0.9)}
    assert recognize(Hues(), [1, 2, 3], pixels, photos, 0.3) == {1: ("tomato", 0.9), 2: ("lime", 0.4)}


def test_crops_are_squares_of_the_largest_views_with_the_object_in_the_middle() -> None:
    pixels, photos = pictures()
    crops = crops_of(1, pixels, photos)
    sides = [crop.shape[0] for crop in crops]
    assert len(crops) == 5
    assert sides == sorted(sides, reverse=True)
    for crop in crops:
        side = crop.shape[0]
        assert crop.shape == (side, side, 3)
        middle = crop[side // 2, side // 2]
        assert middle.tolist() == pytest.approx(RED)
        assert 0.3 < (crop[..., 0] > 0.8).float().mean() < 0.8  # with some context, which is faded
        corner = crop[0, 0]
        assert 0 < corner[2] - corner[0] < TABLE[2] - TABLE[0] - 0.2


def test_beyond_the_photo_there_is_grey() -> None:
    pixels, photos = pictures()
    crop = crops_of(2, pixels, photos)[0]
    side = crop.shape[0]
    assert crop[side // 2, side // 2].tolist() == pytest.approx(GREEN)
    assert (crop[-1, -1] == crop[-1, -1, 0]).all()


def test_nothing_is_said_of_what_is_hardly_seen() -> None:
    pixels, photos = pictures()
    assert crops_of(3, pixels, photos) == []
    assert recognize(Hues(), [3], pixels, photos, 0.0) == {}
