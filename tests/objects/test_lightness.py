"""A mirror looks different from every side: held to a ball whose pictures are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from scan2sim.objects.lightness import lightness_spread
from scan2sim.objects.views import View
from tests.objects.sphere import CENTRE, RADIUS, cameras, photograph

UNIT = 0.5


def mirrored(view: View, photo: Tensor, ball: Tensor) -> Tensor:
    """The photo with a striped room in the ball."""
    points = view.points()[0].double()
    normals = (points - torch.tensor(CENTRE)) / RADIUS
    rays = points - torch.tensor(view.camera.position)
    rays = rays / rays.norm(dim=-1, keepdim=True)
    away = rays - 2 * (rays * normals).sum(-1, keepdim=True) * normals
    room = 0.5 + 0.4 * torch.sign(torch.sin(away @ torch.tensor([7.0, 5.0, 9.0], dtype=torch.float64)))
    return torch.where(ball[..., None], room[..., None].float(), photo)


def spread(photos: list[Tensor], views: list[View], radius: float = RADIUS) -> float:
    mesh = trimesh.creation.icosphere(4, radius)
    mesh.apply_translation(CENTRE)
    return lightness_spread([mesh], views, photos, UNIT)[0]


@pytest.mark.parametrize("gloss", [0.0, 0.3])
def test_what_is_matt_or_glossy_looks_alike(gloss: float) -> None:
    views, photos, _ = zip(*(photograph(camera, True, gloss) for camera in cameras()), strict=True)
    assert spread(list(photos), list(views)) < 3


def test_a_mirror_does_not() -> None:
    shots = [photograph(camera) for camera in cameras()]
    assert spread([mirrored(*shot) for shot in shots], [view for view, _, _ in shots]) > 10


def test_a_surface_at_the_wrong_place_shows_something_else_in_each_photo() -> None:
    views, photos, _ = zip(*(photograph(camera) for camera in cameras()), strict=True)
    right, wrong = (spread(list(photos), list(views), factor * RADIUS) for factor in (1.0, 0.8))
    assert wrong > 3 * right


def test_what_hardly_anybody_saw_tells_nothing() -> None:
    views, photos, _ = zip(*(photograph(camera) for camera in cameras(2)), strict=True)
    assert spread(list(photos), list(views)) == 0
    assert lightness_spread([], list(views), list(photos), UNIT) == []
    assert np.isfinite(spread(list(photos), list(views), 0.01))
