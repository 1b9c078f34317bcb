"""A round thing's foot follows the ground beneath it, so that it stands as it was seen, on slopes and bumps as well."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from scan2sim.scene import SceneObject
from scan2sim.sim import settle, settled_scene
from scan2sim.sim.foot import slope_beneath, with_flat_foot, with_steady_foot
from tests.scene.factory import make_scene
from tests.sim.test_standing import thing

UP = np.array([0.0, 0.0, 1.0])


def ball(height: float, rests_on: int = 0) -> SceneObject:
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    return thing(1, "ball", mesh.apply_translation([0, 0, height + 0.03]), rests_on)


def wedge(degrees: float, height: float) -> trimesh.Trimesh:
    """Its upper side passes through (0, 0, height) and rises along x."""
    rise = 0.1 * np.tan(np.radians(degrees))
    corners = [(x, y, z) for x in (-0.1, 0.1) for y in (-0.1, 0.1) for z in (0.0, height + (rise if x > 0 else -rise))]
    return trimesh.convex.convex_hull(np.array(corners))


def off(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(min(1.0, float(one @ other)))))


@pytest.mark.parametrize("depth", [0.0006, 0.001])
def test_what_has_a_flat_foot_stands_as_high_as_before(depth: float) -> None:
    before = ball(0.0)
    footed = with_flat_foot(before, depth, UP)
    for mesh in (*footed.collision, footed.visual):
        assert mesh.is_volume
        assert mesh.vertices[:, 2].min() + footed.position[2] == pytest.approx(before.visual.bounds[0, 2] + 0.03)
    corners = np.concatenate([piece.vertices for piece in footed.collision])
    foot = corners[corners[:, 2] < corners[:, 2].min() + 1e-7]
    assert np.linalg.norm(foot[:, :2], axis=1).max() == pytest.approx(np.sqrt(2 * 0.03 * depth), rel=0.25)


@pytest.mark.parametrize("degrees", [0.0, 3.0, -6.0, 9.0])
def test_the_slope_beneath_a_foot_is_found(degrees: float) -> None:
    footed = with_flat_foot(ball(0.03), 0.0005, UP)
    true = np.array([-np.sin(np.radians(degrees)), 0, np.cos(np.radians(degrees))])
    assert off(slope_beneath(footed, UP, [wedge(degrees, 0.03)]), true) < 0.01


def test_a_foot_on_two_steps_leans_from_one_to_the_other() -> None:
    high = trimesh.creation.box(bounds=[(0.002, -0.1, 0), (0.1, 0.1, 0.0303)])
    low = trimesh.creation.box(bounds=[(-0.1, -0.1, 0), (-0.001, 0.1, 0.03)])
    footed = with_flat_foot(ball(0.03), 0.0005, UP)
    normal = slope_beneath(footed, UP, [high, low])
    corners = np.concatenate([piece.vertices for piece in footed.collision]) + footed.position
    foot = corners[corners[:, 2] < corners[:, 2].min() + 1e-6]
    reach = 0.002 - foot[:, 0].min()  # from the high step's edge to the foot's far end on the low one
    assert off(normal, np.array([-0.0003, 0, reach]) / np.hypot(0.0003, reach)) < 0.3


def test_where_nothing_is_beneath_the_foot_stays_level_and_where_it_is_steep_it_leans_only_so_far() -> None:
    footed = with_flat_foot(ball(0.03), 0.0005, UP)
    aside = trimesh.creation.box(bounds=[(0.05, 0.05, 0), (0.1, 0.1, 0.03)])
    assert slope_beneath(footed, UP, []) == pytest.approx(UP)
    assert slope_beneath(footed, UP, [aside]) == pytest.approx(UP)
    steep = slope_beneath(footed, UP, [wedge(40.0, 0.1)])
    assert off(steep, UP) < 25


def test_a_steady_foot_stands_on_a_slope_without_turning_where_a_level_one_turns() -> None:
    ground = wedge(6.0, 0.03)
    carrier = replace(thing(2, "ground", ground), mobility="fixed")
    scene = replace(make_scene(), objects=(ball(0.03, rests_on=2), carrier))
    level = with_flat_foot(scene.objects[0], 0.0006, UP)
    steady = with_steady_foot(scene.objects[0], 0.0006, UP, [ground])
    level_turn, steady_turn = (
        np.degrees(settle(replace(scene, objects=(foot, carrier)), 0.5, calm=0.9).turn) for foot in (level, steady)
    )
    assert level_turn > 5
    assert steady_turn < 1
    settled, result = settled_scene(scene)
    assert result.placed["ball"].turned < np.radians(2.0)  # what turns more gets a larger foot
    assert result.unsettled == ()
    assert np.linalg.norm(settled.objects[0].position - scene.objects[0].position) < 0.002
