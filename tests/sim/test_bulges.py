"""Pieces that bulge over their surface into a neighbour are cut; what the surfaces themselves share is not."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from scan2sim.scene import SceneObject
from scan2sim.sim import push_apart
from scan2sim.sim.bulges import without_bulges
from tests.scene.factory import make_scene
from tests.sim.test_standing import thing


def bulging(by: float) -> SceneObject:
    """A cube of 4 cm whose piece reaches farther along x."""
    cube = thing(1, "cube", trimesh.creation.box(bounds=[(-0.04, -0.02, 0), (0, 0.02, 0.04)]))
    piece = cube.collision[0].copy()
    piece.vertices[piece.vertices[:, 0] > 0, 0] += by
    return replace(cube, collision=(piece,), figures={"collision_mm": 9.0})


def moves(objects: tuple[SceneObject, ...]) -> list[np.ndarray]:
    scene = replace(make_scene(), objects=objects)
    return [a.position - b.position for a, b in zip(push_apart(scene).objects, objects, strict=True)]


def neighbour(at: float) -> SceneObject:
    return thing(2, "neighbour", trimesh.creation.box(bounds=[(at, -0.03, 0), (at + 0.05, 0.03, 0.05)]))


def test_a_bulge_is_cut_and_pushes_nothing_away() -> None:
    before = bulging(0.006), neighbour(0.002)
    assert max(np.linalg.norm(move) for move in moves(before)) > 0.001
    after = without_bulges(replace(make_scene(), objects=before)).objects
    assert max(np.linalg.norm(move) for move in moves(after)) < 2e-4
    (piece,) = after[0].collision
    assert piece.is_volume
    end = piece.vertices[:, 0].max() + after[0].position[0]
    assert 0.0 <= end <= 0.0021
    assert after[0].figures["collision_mm"] < 1.0


def test_what_surfaces_share_is_left_to_the_pushing() -> None:
    before = bulging(0.0), neighbour(-0.004)
    after = without_bulges(replace(make_scene(), objects=before)).objects
    for one, other in zip(moves(before), moves(after), strict=True):
        assert one == pytest.approx(other, abs=2e-4)


def test_without_overlaps_nothing_changes() -> None:
    scene = replace(make_scene(), objects=(bulging(0.001), neighbour(0.01)))
    assert without_bulges(scene).objects == scene.objects
