"""Surfaces between things that touch, which no photo sees: they stay where the things were cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from scan2sim.objects.fusing import Fused, Outline, Refined, Setting, bent_surfaces, thick_enough
from scan2sim.objects.mesh_views import see_meshes
from tests.objects.sphere import PLANE
from tests.objects.test_symmetry import UNIT, cameras, photograph

TOP = 0.012  # height of the saucer beneath the cup [m]
RIM = 0.03  # radius of the cup [m]


def fine(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(*trimesh.remesh.subdivide_to_size(mesh.vertices, mesh.faces, 0.003)).process()


def beneath(mesh: trimesh.Trimesh) -> np.ndarray:
    """Heights of the saucer's upper side under the cup."""
    x, y, z = mesh.vertices.T
    return z[(np.hypot(x, y) < 0.8 * RIM) & (z > 0.3 * TOP)]


def bent(
    meshes: list[trimesh.Trimesh],
    known: int,
    bowl_distance: Callable[[np.ndarray], np.ndarray] | None = None,
) -> trimesh.Trimesh:
    """The first of the meshes that stand together, bent to what views of them show, if the first few are known of."""
    where = cameras(0, 360)
    views, _ = photograph(trimesh.util.concatenate(meshes), where)
    sights = see_meshes(meshes, where)
    masks = [[sight.number == n for sight in sights] for n in range(1, known + 1)]
    fused = [Fused(mesh, views, [m.float() for m in mask]) for mesh, mask in zip(meshes[:known], masks, strict=True)]
    outlines = [Outline(mask, bowl_distance=bowl_distance) for mask in masks]
    return bent_surfaces(fused, Setting.of(views, outlines, PLANE, UNIT, 64))[0].mesh


def test_a_saucer_goes_straight_across_beneath_the_cup_that_stands_on_it() -> None:
    """Its upper side, which is level only where the cup hides it, would else go on as it slopes down to there."""
    saucer = fine(trimesh.creation.cylinder(0.06, TOP, sections=48).apply_translation([0, 0, TOP / 2]))
    x, y, z = saucer.vertices.T
    saucer.vertices[:, 2] += np.where(z > TOP / 2, 0.25 * np.maximum(np.hypot(x, y) - RIM, 0), 0)
    cup = fine(trimesh.creation.cylinder(RIM, 0.05, sections=48).apply_translation([0, 0, TOP + 0.025]))
    assert np.abs(beneath(bent([saucer, cup], 2)) - TOP).max() < 0.0008
    assert beneath(bent([saucer, cup], 1)).min() < TOP - 0.0015


def test_a_bowl_goes_on_beneath_what_lies_in_it() -> None:
    """Both were cut along a paraboloid, which would else become a lid over the bowl's floor."""

    def height(points: np.ndarray) -> np.ndarray:
        return 0.005 + 0.015 * (np.hypot(points[:, 0], points[:, 1]) / RIM) ** 2

    def distance(points: np.ndarray) -> np.ndarray:
        return np.where(np.hypot(points[:, 0], points[:, 1]) < RIM, np.abs(points[:, 2] - height(points)), np.inf)

    bowl = fine(trimesh.creation.cylinder(0.05, 0.045, sections=48).apply_translation([0, 0, 0.0225]))
    bowl.vertices[:, 2] = np.where(bowl.vertices[:, 2] > 0.044, height(bowl.vertices), bowl.vertices[:, 2])
    fruit = fine(trimesh.creation.cylinder(RIM, 0.06, sections=48).apply_translation([0, 0, 0.03]))
    fruit.vertices[:, 2] = np.where(fruit.vertices[:, 2] < 0.001, height(fruit.vertices), fruit.vertices[:, 2])

    def floor(mesh: trimesh.Trimesh) -> float:
        x, y, z = mesh.vertices.T
        return float(z[(np.hypot(x, y) < 0.3 * RIM) & (z > 0.002)].mean())

    assert floor(bent([bowl, fruit], 2, distance)) == pytest.approx(floor(bowl), abs=0.001)
    assert floor(bent([bowl, fruit], 2)) > floor(bowl) + 0.004


def test_where_two_things_stand_side_by_side_they_stay_cut_upright() -> None:
    """The face that each hides of the other would else bulge by millimetres."""
    left = fine(trimesh.creation.box(bounds=[(-0.06, -0.04, 0), (-0.0005, 0.04, 0.05)]))
    right = fine(trimesh.creation.box(bounds=[(0.0005, -0.04, 0), (0.06, 0.04, 0.05)]))
    x, y, z = left.vertices.T
    face = (x > -0.001) & (np.abs(y) < 0.03) & (z > 0.01) & (z < 0.035)
    assert np.abs(bent([left, right], 2).vertices[face, 0] + 0.0005).max() < 0.0005
    assert np.abs(bent([left, right], 1).vertices[face, 0] + 0.0005).max() > 0.005


def test_what_carries_something_keeps_a_thickness_beneath_it() -> None:
    slab = fine(trimesh.creation.box(bounds=[(-0.05, -0.05, 0), (0.05, 0.05, 0.001)]))
    hidden = (slab.vertices[:, 2] > 0.0009) & (np.abs(slab.vertices[:, :2]) < 0.02).all(1)
    after = thick_enough(Refined(slab, np.ones(len(slab.vertices)), hidden), PLANE, UNIT).mesh.vertices
    np.testing.assert_allclose(after[hidden, 2], 0.002)
    np.testing.assert_array_equal(after[~hidden], slab.vertices[~hidden])
    bare = Refined(slab, np.ones(len(slab.vertices)))
    assert thick_enough(bare, PLANE, UNIT) is bare
