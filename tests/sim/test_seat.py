"""What carries a thing that would roll or slide off gets a level seat beneath it, where nobody saw either surface."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import is_convex
from scan2sim.geometry import transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import settle, settled_scene
from scan2sim.sim.foot import heights_over, with_flat_foot
from scan2sim.sim.seat import with_level_seat
from tests.scene.factory import make_scene
from tests.sim.test_foot import UP, ball, wedge
from tests.sim.test_standing import thing

PLACES = np.stack(np.meshgrid(*[np.linspace(-0.08, 0.08, 33)] * 2), -1).reshape(-1, 2)  # [m] over a carrier


def lumpy(height: float, rests_on: int) -> SceneObject:
    """A ball with a lump below and beside its middle: it would roll off the lump."""
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    lump = trimesh.convex.convex_hull(np.vstack([sphere.vertices, [0.012, 0.004, -0.031]]))
    return thing(1, "lumpy", lump.apply_translation([0, 0, height + 0.031]), rests_on)


def steps(low: float, high: float) -> SceneObject:
    """A low and a high block side by side, which meet beneath the origin."""
    left = trimesh.creation.box(bounds=[(-0.1, -0.1, 0), (0, 0.1, low)])
    right = trimesh.creation.box(bounds=[(0, -0.1, 0), (0.1, 0.1, high)])
    both = thing(2, "ground", trimesh.creation.box(bounds=[(-0.1, -0.1, 0), (0.1, 0.1, low)]))
    back = np.linalg.inv(both.world_from_object)
    return replace(both, collision=tuple(each.apply_transform(back) for each in (left, right)))


def top(carrier: SceneObject, places: np.ndarray) -> np.ndarray:  # (N, 2) to (N,) [m]
    pieces = (piece.copy().apply_transform(carrier.world_from_object) for piece in carrier.collision)
    return np.max([heights_over(piece, np.eye(3), places) for piece in pieces], axis=0)


def foot_of(obj: SceneObject) -> np.ndarray:  # (N, 3) [m]
    corners = np.concatenate([transform_points(obj.world_from_object, piece.vertices) for piece in obj.collision])
    return corners[corners[:, 2] < corners[:, 2].min() + 1e-6]


@pytest.mark.parametrize("height", [0.029, 0.031, 0.033])  # of the foot: below, between and above the steps
def test_beneath_the_foot_the_ground_is_level_and_elsewhere_as_it_was(height: float) -> None:
    carrier = steps(0.030, 0.032)
    footed = with_flat_foot(ball(height), 0.001, UP)
    seat = with_level_seat(carrier, footed, UP)
    foot = foot_of(footed)[:, :2]
    beneath = ((foot.min(0) < PLACES) & (foot.max(0) > PLACES)).all(1)
    around = ((foot.min(0) - 0.0015 > PLACES) | (foot.max(0) + 0.0015 < PLACES)).any(1)
    assert beneath.sum() > 4
    assert top(seat, PLACES[beneath]) == pytest.approx(np.clip(height, 0.030, 0.032), abs=1e-6)
    assert top(seat, PLACES[around]) == pytest.approx(top(carrier, PLACES[around]), abs=1e-6)
    assert all(is_convex(piece) for piece in seat.collision)
    assert seat.figures["seat_levelled_mm"] == pytest.approx(2.0 if height != 0.031 else 1.0, abs=1e-3)
    assert seat.physical == carrier.physical


def test_a_visible_surface_is_levelled_with_the_pieces_and_only_beneath_the_foot() -> None:
    mesh = wedge(5.0, 0.03).subdivide().subdivide().subdivide().subdivide()
    carrier, footed = thing(2, "ground", mesh), with_flat_foot(ball(0.03), 0.003, UP)
    seat = with_level_seat(carrier, footed, UP)
    before, after = (transform_points(obj.world_from_object, obj.visual.vertices) for obj in (carrier, seat))
    foot = foot_of(footed)
    beneath = ((before[:, :2] > foot[:, :2].min(0)) & (before[:, :2] < foot[:, :2].max(0))).all(1)
    upper = beneath & (before[:, 2] > 0.02)
    assert upper.sum() > 2
    assert after[upper, 2] == pytest.approx(foot[0, 2], abs=1e-6)
    near = ((before[:, :2] > foot[:, :2].min(0) - 0.0015) & (before[:, :2] < foot[:, :2].max(0) + 0.0015)).all(1)
    assert np.array_equal(before[~near], after[~near])


def test_where_it_is_steep_or_nothing_is_beneath_there_is_no_seat() -> None:
    footed = with_flat_foot(ball(0.03), 0.0005, UP)
    steep = thing(2, "ground", wedge(40.0, 0.1))
    assert with_level_seat(steep, footed, UP) is steep
    aside = thing(2, "ground", trimesh.creation.box(bounds=[(0.05, 0.05, 0), (0.1, 0.1, 0.03)]))
    assert with_level_seat(aside, footed, UP) is aside


def lumpy_on(ground: SceneObject) -> Scene:
    return replace(make_scene(), objects=(lumpy(0.03, rests_on=ground.id), replace(ground, mobility="fixed")))


def test_a_lumpy_thing_on_a_slope_stays_where_it_was_seen() -> None:
    scene = lumpy_on(thing(2, "ground", wedge(5.0, 0.03)))
    assert settle(scene).turn > np.radians(5)  # left alone it rolls
    settled, result = settled_scene(scene)
    assert result.unsettled == ()
    assert result.placed["lumpy"].turned < np.radians(1)
    assert result.placed["lumpy"].moved < 0.001
    assert settled.objects[1].figures["seat_levelled_mm"] < 5
    assert result.placed["lumpy"].flattened == pytest.approx(0.04 * 0.061, rel=0.01)


def test_on_the_table_nothing_is_levelled() -> None:
    scene = replace(make_scene(), objects=(lumpy(0.0, rests_on=0),))
    _, result = settled_scene(scene)
    assert result.placed["lumpy"].flattened <= 0.02 * 0.0611
