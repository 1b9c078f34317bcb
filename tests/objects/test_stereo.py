"""Surfaces are moved to where photos agree: held to a ball whose surface is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.objects.fairing import fair, solved, spread, stiffness
from scan2sim.objects.fusing import Outline
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.refine import refine_surfaces
from tests.objects.sphere import CENTRE, PLANE, RADIUS, cameras, photograph

UNIT = 0.5


def ball(radius: float = RADIUS, faces: int = 4) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(faces, radius)
    mesh.apply_translation(CENTRE)
    return mesh


def dented(depth: float = 0.006) -> trimesh.Trimesh:
    """The ball with a dent on top, as a highlight makes it."""
    mesh = ball()
    height = (mesh.vertices - CENTRE)[:, 2] / RADIUS
    inward = depth * np.exp(-(((1 - height) / 0.15) ** 2))
    mesh.vertices = mesh.vertices - inward[:, None] * (mesh.vertices - CENTRE) / RADIUS
    return mesh


def error(mesh: trimesh.Trimesh) -> tuple[float, float]:
    """Mean distance from the ball's surface above its foot, and that of its top, where the dent is [m]."""
    gaps = np.abs(np.linalg.norm(mesh.vertices - CENTRE, axis=1) - RADIUS)
    height = mesh.vertices[:, 2] - CENTRE[2]
    return float(gaps[height > -0.5 * RADIUS].mean()), float(gaps[height > 0.8 * RADIUS].mean())


def refined(mesh: trimesh.Trimesh, textured: bool, gloss: float = 0.0) -> trimesh.Trimesh:
    views, photos, masks = zip(*(photograph(camera, textured, gloss) for camera in cameras()), strict=True)
    outline = Outline(list(masks))
    return refine_surfaces([mesh], [outline], list(views), list(photos), PLANE, UNIT, 64, (0.016, 0.012, 0.008))[0].mesh


def test_a_mesh_is_seen_as_deep_as_it_is() -> None:
    camera = cameras(1)[0]
    view, _, mask = photograph(camera)
    sight = see_meshes([ball(faces=5)], [camera])[0]
    inner = torch.from_numpy(np.asarray(mask)) & (sight.number == 1)
    assert (sight.number == 1).sum() == pytest.approx(int(mask.sum()), rel=0.08)
    assert float((sight.depth - view.depth)[inner].abs().median()) < 2e-4


@pytest.mark.parametrize("gloss", [0.0, 0.3])
def test_a_dent_goes_where_photos_show_texture(gloss: float) -> None:
    before, after = error(dented()), error(refined(dented(), textured=True, gloss=gloss))
    assert before[1] > 1.5e-3
    assert after[0] < 0.5e-3
    assert after[1] < 0.5 * before[1]


def test_what_has_neither_texture_nor_dents_stays_closed_and_in_place() -> None:
    mesh = refined(ball(), textured=False)
    assert mesh.is_watertight
    assert error(mesh)[0] < 1e-3


def test_fairing_keeps_what_is_trusted_and_closes_a_dent_that_is_not() -> None:
    mesh = dented()
    top = (mesh.vertices - CENTRE)[:, 2] > 0.6 * RADIUS
    kept = fair(mesh, np.ones(len(mesh.vertices)))
    assert np.abs(kept.vertices - mesh.vertices).max() < 1.5e-3
    closed = fair(mesh, (~top).astype(float))
    assert error(closed)[1] < 0.5 * error(mesh)[1]
    np.testing.assert_allclose(closed.vertices[~top], mesh.vertices[~top], atol=1e-3)


def test_no_objects_need_no_photos() -> None:
    assert refine_surfaces([], [], [], [], PLANE, UNIT, 64, (0.016,)) == []


def test_systems_are_solved_as_densely() -> None:
    mesh = ball(faces=2)
    rng = np.random.default_rng(0)
    trust, right = rng.random(len(mesh.vertices)) ** 4, rng.normal(size=(len(mesh.vertices), 2))
    system = stiffness(mesh, trust, rng.random(len(mesh.vertices)) < 0.3)
    np.testing.assert_allclose(system @ solved(system, right), right, atol=1e-9)
    evened = spread(mesh, right, 40)
    np.testing.assert_allclose(evened, np.linalg.solve(neighbourly(mesh, 20), right), atol=1e-9)


def neighbourly(mesh: trimesh.Trimesh, weight: float) -> np.ndarray:
    """1 + weight (1 - mean of neighbours), densely."""
    mean = np.zeros((len(mesh.vertices),) * 2)
    for vertex, others in enumerate(mesh.vertex_neighbors):
        mean[vertex, others] = 1 / len(others)
    return np.eye(len(mean)) * (1 + weight) - weight * mean
