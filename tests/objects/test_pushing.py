"""Surfaces pushed to where photos agree: held to a ball whose surface is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.objects.fairing import smoothed, spread
from scan2sim.objects.fusing import Refined
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.pushing import pushed_to_agreement
from scan2sim.objects.windows import StereoView
from tests.objects.sphere import CENTRE, PLANE, RADIUS, cameras, photograph
from tests.objects.test_stereo import UNIT, ball

COUNT = 32  # photos: some judge that had no say


def cap(mesh: trimesh.Trimesh) -> np.ndarray:
    """Trust that leaves the ball's upper part free."""
    return ((mesh.vertices - CENTRE)[:, 2] < 0.2 * RADIUS).astype(float)


def bulged(by: float) -> trimesh.Trimesh:
    """The ball with its upper part farther out, smoothly."""
    mesh = ball()
    mesh.vertices += by * smoothed(mesh, 1 - cap(mesh), 30)[:, None] * mesh.vertex_normals
    return mesh


def pushed(mesh: trimesh.Trimesh, trust: np.ndarray, gloss: float = 0.0, plain: bool = False) -> trimesh.Trimesh:
    where = cameras(COUNT)
    gray = [photograph(camera, True, gloss)[1].mean(-1) for camera in where]
    gray = [torch.full_like(each, 0.4) for each in gray] if plain else gray
    views = [StereoView(*each) for each in zip(where, gray, see_meshes([mesh], where), strict=True)]
    (found,) = pushed_to_agreement([Refined(mesh, trust)], views, PLANE, UNIT)
    assert found.trust is trust
    return found.mesh


def off(mesh: trimesh.Trimesh) -> float:
    """How far the upper part lies outside, on average [m]."""
    place = mesh.vertices - CENTRE
    return float((np.linalg.norm(place, axis=1) - RADIUS)[place[:, 2] > 0.6 * RADIUS].mean())


@pytest.mark.parametrize("gloss", [0.0, 0.3])
@pytest.mark.parametrize("by", [0.002, -0.0015])
def test_what_nothing_holds_goes_where_photos_agree(by: float, gloss: float) -> None:
    mesh = bulged(by)
    found = pushed(mesh, cap(mesh), gloss)
    assert abs(off(mesh)) > 0.8 * abs(by)
    assert abs(off(found)) < 0.25 * abs(by)
    low = (mesh.vertices - CENTRE)[:, 2] < -0.5 * RADIUS
    assert np.abs(found.vertices - mesh.vertices)[low].max() < 1e-5


def test_what_is_right_stays() -> None:
    mesh = ball()
    assert abs(off(pushed(mesh, cap(mesh)))) < 1.5e-4


def test_what_is_held_or_looks_the_same_everywhere_stays() -> None:
    mesh = bulged(0.002)
    np.testing.assert_allclose(pushed(mesh, np.ones(len(mesh.vertices))).vertices, mesh.vertices, atol=1e-12)
    np.testing.assert_allclose(pushed(mesh, cap(mesh), plain=True).vertices, mesh.vertices, atol=1e-5)


def test_spreading_in_one_step_keeps_constants_and_is_as_wide_as_many_rounds() -> None:
    mesh = trimesh.creation.icosphere(4)
    np.testing.assert_allclose(spread(mesh, np.full((len(mesh.vertices), 2), 3.0), 200), 3.0)
    spike = np.zeros(len(mesh.vertices))
    spike[0] = 1
    distance = np.arccos(np.clip(mesh.vertices @ mesh.vertices[0], -1, 1))
    wide, rounds = spread(mesh, spike, 200), smoothed(mesh, spike, 200)
    width = [(each * distance**2).sum() / each.sum() for each in (wide, rounds)]
    assert width[0] == pytest.approx(width[1], rel=0.1)
