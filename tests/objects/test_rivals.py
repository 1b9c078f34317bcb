"""Surfaces that brightness moves, and the choice between them: held to a ball whose surface is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from scan2sim.objects.brightness import moved_to_even_brightness
from scan2sim.objects.choosing import believed, best_rivals
from scan2sim.objects.fusing import Outline
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.refine import refine_surfaces
from scan2sim.objects.windows import StereoView
from tests.objects.sphere import CENTRE, PLANE, RADIUS, cameras, photograph
from tests.objects.test_stereo import UNIT, ball, dented, error

COUNT = 32  # photos: some judge that had no say


def photos(textured: bool = True, gloss: float = 0.0) -> list[Tensor]:
    return [photograph(camera, textured, gloss)[1] for camera in cameras(COUNT)]


def belief(mesh: trimesh.Trimesh, pictures: list[Tensor]) -> float:
    where = cameras(len(pictures))
    views = [StereoView(*each) for each in zip(where, gray(pictures), see_meshes([mesh], where), strict=True)]
    return float(believed([mesh], views, UNIT)[0])


def gray(pictures: list[Tensor]) -> list[Tensor]:
    return [picture.mean(-1) for picture in pictures]


def trust_around_dent(mesh: trimesh.Trimesh) -> np.ndarray:
    return ((mesh.vertices - CENTRE)[:, 2] < 0.5 * RADIUS).astype(float)


def test_a_dent_that_nothing_holds_goes_where_shading_tells() -> None:
    mesh = dented()
    (moved,) = moved_to_even_brightness([mesh], [trust_around_dent(mesh)], cameras(COUNT), photos(False), UNIT)
    assert error(mesh)[1] > 1.5e-3
    assert error(moved)[1] < 0.5 * error(mesh)[1]


def test_what_is_trusted_or_equally_bright_everywhere_stays() -> None:
    mesh = dented()
    (kept,) = moved_to_even_brightness([mesh], [np.ones(len(mesh.vertices))], cameras(COUNT), photos(), UNIT)
    np.testing.assert_allclose(kept.vertices, mesh.vertices, atol=1e-6)
    plain = [torch.full_like(picture, 0.4) for picture in photos()]
    (kept,) = moved_to_even_brightness([mesh], [trust_around_dent(mesh)], cameras(COUNT), plain, UNIT)
    np.testing.assert_allclose(kept.vertices, mesh.vertices, atol=1e-6)


@pytest.mark.parametrize(("textured", "gloss"), [(True, 0.0), (True, 0.3), (False, 0.0)])
def test_photos_believe_the_true_surface_more(textured: bool, gloss: float) -> None:
    pictures = photos(textured, gloss)
    true, wrong, larger = (belief(mesh, pictures) for mesh in (ball(), dented(), ball(1.06 * RADIUS)))
    assert true > wrong
    assert true > larger


def test_without_photos_that_had_no_say_nothing_is_believed() -> None:
    few = [photograph(camera)[1] for camera in cameras(3)]
    assert belief(ball(), few) == 0.0


def surfaces(textured: bool, gloss: float, rivals: bool) -> trimesh.Trimesh:
    views, pictures, masks = zip(*(photograph(camera, textured, gloss) for camera in cameras(COUNT)), strict=True)
    outline = Outline(list(masks))
    (found,) = refine_surfaces(
        [dented()], [outline], list(views), list(pictures), PLANE, UNIT, 64, (0.012,), rivals=rivals
    )
    return found.mesh


@pytest.mark.parametrize(("textured", "gloss"), [(True, 0.0), (False, 0.3)])
def test_rivals_do_little_harm_where_they_are_not_needed(textured: bool, gloss: float) -> None:
    without, with_rivals = (error(surfaces(textured, gloss, rivals)) for rivals in (False, True))
    assert with_rivals[0] < without[0] + 1e-4
    assert with_rivals[1] < without[1] + 5e-4


@pytest.mark.parametrize("best", [0, 1, 2])
def test_what_photos_believe_most_is_taken(best: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[trimesh.Trimesh] = []

    def mark(meshes: list[trimesh.Trimesh], *_: object) -> np.ndarray:
        seen.extend(meshes)
        return np.array([1.0 if len(seen) == best + 1 else 0.0])

    monkeypatch.setattr("scan2sim.objects.refine.believed", mark)
    monkeypatch.setattr("scan2sim.objects.refine.pushed_to_agreement", lambda surfaces, *_: surfaces)
    mesh = surfaces(True, 0.0, rivals=True)
    assert len(seen) == 3
    assert [np.array_equal(mesh.vertices, each.vertices) for each in seen].index(True) == best


def hollowed(share: float) -> trimesh.Trimesh:
    """The ball without a smaller one around its top."""
    taken = trimesh.creation.icosphere(3, share * RADIUS).apply_translation(np.add(CENTRE, (0, 0, RADIUS)))
    return trimesh.boolean.difference([ball(), taken], engine="manifold")


def test_no_photos_put_a_dent_into_what_is_round() -> None:
    """The lights that it mirrors seem to lie in it; where there was a hollow, it may become deeper."""
    marks = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.004, 1.0]])
    first = [ball(), hollowed(0.7), hollowed(0.7), ball()]
    rival = [hollowed(0.5), hollowed(0.8), ball(), ball(0.99 * RADIUS)]
    assert best_rivals([first, rival], marks).tolist() == [0, 1, 0, 1]
