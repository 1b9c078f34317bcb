from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from scan2sim.cousins import Distance, LayoutConfig, distance_between
from scan2sim.cousins.layout import vary_layout
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, quaternion_angle, transform_points
from scan2sim.scene import Scene, SceneObject
from tests.cousins.scenes import at_rest, ball_in_bowl, thing, with_object


def outline(obj: SceneObject) -> BaseGeometry:
    corners = np.vstack([transform_points(obj.world_from_object, piece.vertices) for piece in obj.collision])
    return shapely.MultiPoint(corners[:, :2]).convex_hull


def layouts(scene: Scene, amount: float, count: int) -> list[Scene]:
    return [vary_layout(scene, amount, np.random.default_rng(seed))[0] for seed in range(count)]


def test_footprints_stay_apart_and_over_the_support() -> None:
    for scene in layouts(at_rest(), 1.0, 40):
        outlines = [outline(obj) for obj in scene.objects]
        table = shapely.Polygon(scene.supports[0].polygon)
        assert all(table.contains(shape) for shape in outlines)
        for i, shape in enumerate(outlines):
            assert all(shape.distance(other) >= 0.004 - 1e-9 for other in outlines[:i])


def test_things_turn_about_the_normal_and_stay_at_their_height() -> None:
    for scene in layouts(at_rest(), 0.7, 10):
        for after, before in zip(scene.objects, at_rest().objects, strict=True):
            assert after.position[2] == pytest.approx(before.position[2], abs=1e-6)
            assert after.world_from_object[2, :3] == pytest.approx(before.world_from_object[2, :3], abs=1e-6)
            assert after.gaussians is before.gaussians
            assert after.visual is before.visual


def test_at_distance_1_things_stand_anywhere() -> None:
    scenes = layouts(at_rest(), 1.0, 120)
    box = np.array([thing(scene, "box").position for scene in scenes])
    assert (box.min(0)[:2] < [-0.2, -0.15]).all()
    assert (box.max(0)[:2] > [0.2, 0.15]).all()
    start = thing(at_rest(), "box").wxyz
    turns = np.array([quaternion_angle(thing(scene, "box").wxyz, start) for scene in scenes])
    assert turns.min() < 0.6
    assert turns.max() > 2.4


def test_each_thing_goes_as_far_as_the_slider_says() -> None:
    for amount in (0.05, 0.3, 0.6, 1.0):
        for scene in layouts(at_rest(), amount, 5):
            assert distance_between(scene, at_rest()).layout == pytest.approx(amount, rel=1e-3)


def test_what_lies_in_a_thing_moves_with_it() -> None:
    twin = ball_in_bowl()
    bowl_from_ball = inverse_transform(thing(twin, "bowl").world_from_object) @ thing(twin, "ball").world_from_object
    for scene in layouts(twin, 0.8, 10):
        bowl, ball = thing(scene, "bowl"), thing(scene, "ball")
        assert np.linalg.norm(bowl.position - thing(twin, "bowl").position) > 0.001
        assert inverse_transform(bowl.world_from_object) @ ball.world_from_object == pytest.approx(
            bowl_from_ball, abs=1e-9
        )


def test_what_is_fixed_stays_and_is_in_the_way() -> None:
    box = replace(thing(at_rest(), "box"), mobility="fixed", position=np.array([0.0, 0.0, 0.025]))
    for scene in layouts(with_object(at_rest(), box), 1.0, 20):
        assert thing(scene, "box") is box
        assert outline(thing(scene, "ball")).distance(outline(box)) >= 0.004 - 1e-9


def test_a_full_support_is_said_to_be_full() -> None:
    support = replace(
        at_rest().supports[0], polygon=np.array([[-0.16, -0.14], [0.17, -0.14], [0.17, 0.13], [-0.16, 0.13]])
    )
    crowded = replace(at_rest(), supports=(support,))
    with pytest.raises(SceneError, match="“table” is full"):
        vary_layout(crowded, 1.0, np.random.default_rng(0), LayoutConfig(places=1))


def test_nothing_to_move_is_said() -> None:
    fixed = replace(at_rest(), objects=tuple(replace(obj, mobility="fixed") for obj in at_rest().objects))
    with pytest.raises(SceneError, match="nothing stands free"):
        vary_layout(fixed, 0.5, np.random.default_rng(0))


def test_without_a_change_there_is_no_distance() -> None:
    assert distance_between(at_rest(), at_rest()) == Distance()


@pytest.mark.parametrize("polygon", [[[0, 0], [0.1, 0], [0.2, 0]], [[0, 0], [0, 0], [0, 0]]])
def test_a_support_without_area_is_none(polygon: list[list[float]]) -> None:
    line = replace(at_rest().supports[0], polygon=np.array(polygon))
    with pytest.raises(SceneError, match="nothing stands free"):
        vary_layout(replace(at_rest(), supports=(line,)), 0.5, np.random.default_rng(0))


def test_of_a_support_whose_outline_crosses_itself_the_largest_part_counts() -> None:
    crossing = [[-0.3, -0.25], [0.3, -0.25], [0.3, 0.25], [-0.3, 0.25], [-0.3, -0.3], [-0.35, -0.3]]
    support = replace(at_rest().supports[0], polygon=np.array(crossing))
    for scene in layouts(replace(at_rest(), supports=(support,)), 1.0, 5):
        assert all(shapely.Polygon(crossing).buffer(0.001).contains(outline(obj)) for obj in scene.objects)
