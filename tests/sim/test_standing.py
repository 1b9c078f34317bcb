"""Objects that overlap, float or would roll are put so that they stand, by small moves that are told."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from scan2sim.geometry import quaternion_angle, transform_points
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, SceneObject, object_from_mesh, scale_scene
from scan2sim.sim import push_apart, settle, settled_scene
from scan2sim.sim.foot import with_flat_foot
from tests.scene.factory import make_scene, splats_on

PLAIN = ObjectConfig(texture=0)


def thing(id: int, name: str, mesh: trimesh.Trimesh, rests_on: int = 0) -> SceneObject:
    splats = splats_on(mesh, 10, (1, 2, 3))
    return object_from_mesh(id, name, Label(name, 1.0, "person"), mesh, splats, PLAIN, rests_on=RestsOn(rests_on))


def box(id: int, name: str, low: tuple[float, float, float], size: tuple[float, float, float]) -> SceneObject:
    mesh = trimesh.creation.box(size)
    mesh.apply_translation(np.array(low) + np.array(size) / 2)
    return thing(id, name, mesh)


def egg(tilt: float) -> SceneObject:
    """An egg on its side, tilted: left alone it rolls back."""
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    mesh.apply_scale([1.3, 1.0, 1.0])
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.radians(tilt), [0, 1, 0]))
    mesh.apply_translation([0, 0, -mesh.bounds[0, 2]])
    return thing(1, "egg", mesh)


def scene_of(*objects: SceneObject) -> Scene:
    return replace(make_scene(), objects=objects)


def test_neighbours_that_overlap_move_apart_by_half_each() -> None:
    a = box(1, "a", (-0.10, 0, 0), (0.06, 0.04, 0.05))
    b = box(2, "b", (-0.044, 0.002, 0), (0.06, 0.04, 0.05))  # 4 mm into a
    left, right = push_apart(scene_of(a, b)).objects
    assert left.position - a.position == pytest.approx([-0.002, 0, 0], abs=2e-4)
    assert right.position - b.position == pytest.approx([0.002, 0, 0], abs=2e-4)
    fixed = push_apart(scene_of(replace(a, mobility="fixed"), b)).objects
    assert fixed[0].position.tolist() == a.position.tolist()
    assert fixed[1].position - b.position == pytest.approx([0.004, 0, 0], abs=2e-4)
    _, result = settled_scene(scene_of(a, b))
    assert result.unsettled == ()
    assert result.drift < 0.0005
    assert result.penetration < 0.001
    assert result.placed["a"].moved == pytest.approx(0.002, abs=5e-4)


def test_what_runs_into_the_wall_of_the_tray_it_rests_in_moves_alone() -> None:
    floor = trimesh.creation.box(bounds=[(0, 0, 0), (0.2, 0.2, 0.01)])
    wall = trimesh.creation.box(bounds=[(0, 0, 0.01), (0.01, 0.2, 0.06)])
    tray = thing(1, "tray", trimesh.boolean.union([floor, wall]))
    pieces = tuple(piece.apply_translation(-tray.position) for piece in (floor, wall))
    block = trimesh.creation.box(bounds=[(0.006, 0.05, 0.0101), (0.05, 0.1, 0.05)])  # 4 mm into the wall
    things = replace(tray, collision=pieces), thing(2, "block", block, rests_on=1)
    moved = [
        after.position - before.position
        for after, before in zip(push_apart(scene_of(*things)).objects, things, strict=True)
    ]
    assert moved[0].tolist() == [0, 0, 0]
    assert moved[1] == pytest.approx([0.004, 0, 0], abs=2e-4)


def test_what_sinks_into_what_carries_it_is_raised_alone() -> None:
    lower = box(1, "lower", (0, 0, 0), (0.08, 0.08, 0.02))
    upper = box(2, "upper", (0.02, 0.02, 0.017), (0.03, 0.03, 0.03))  # 3 mm into it, and nobody said what it rests on
    settled, result = settled_scene(scene_of(lower, upper))
    assert result.unsettled == ()
    assert settled.objects[0].position == pytest.approx(lower.position, abs=5e-4)
    assert settled.objects[1].position - upper.position == pytest.approx([0, 0, 0.003], abs=6e-4)
    assert settled.objects[1].figures["moved_mm"] == pytest.approx(3, abs=0.6)


def test_a_thing_that_would_roll_gets_a_flat_foot_and_stands_as_it_was_seen() -> None:
    tilted = egg(12.0)
    assert settle(scene_of(tilted)).turn > np.radians(5)
    settled, result = settled_scene(scene_of(tilted))
    (after,) = settled.objects
    assert result.unsettled == ()
    assert result.turn < np.radians(0.5)
    assert 0 < result.placed["egg"].flattened < 0.0201 * np.ptp(tilted.visual.vertices[:, 2])
    assert result.placed["egg"].turned < np.radians(2)
    assert result.placed["egg"].moved < 0.002
    assert after.figures["foot_flattened_mm"] == pytest.approx(1000 * result.placed["egg"].flattened)
    assert after.visual.volume == pytest.approx(tilted.visual.volume, rel=0.01)


@pytest.mark.parametrize(("tilt", "factor"), [(12.0, 1.5), (6.0, 0.7)])
def test_a_scene_of_another_size_settles_to_the_same(tilt: float, factor: float) -> None:
    scene = scene_of(egg(tilt), box(2, "brick", (0.1, 0, 0), (0.05, 0.05, 0.02)))
    (small, _), (large, _) = settled_scene(scene), settled_scene(scale_scene(scene, factor))
    for a, b in zip(small.objects, large.objects, strict=True):
        assert b.position == pytest.approx(factor * a.position, abs=1e-3)
        assert quaternion_angle(a.wxyz, b.wxyz) < np.radians(1.5)


def test_what_a_foot_cannot_hold_is_told() -> None:
    leaning = box(1, "plank", (0, 0, 0), (0.01, 0.01, 0.2))
    turn = np.radians(20.0)
    tipped = replace(leaning, wxyz=np.array([np.cos(turn / 2), 0, np.sin(turn / 2), 0]))
    settled, result = settled_scene(scene_of(tipped))
    assert result.unsettled == ("plank",)
    assert result.turn > np.radians(30)
    assert settled.objects[0].wxyz == pytest.approx(tipped.wxyz)  # where it was seen


def test_a_foot_is_flat_and_as_low_as_the_thing_was() -> None:
    tilted = egg(12.0)
    cut = with_flat_foot(tilted, 0.001, np.array([0.0, 0.0, 1.0]))
    for mesh, before in [(cut.visual, tilted.visual), *zip(cut.collision, tilted.collision, strict=True)]:
        places = transform_points(cut.world_from_object, mesh.vertices)
        lowest = transform_points(tilted.world_from_object, before.vertices)[:, 2].min()
        assert places[:, 2].min() == pytest.approx(lowest, abs=1e-4)
        foot = places[places[:, 2] < places[:, 2].min() + 1e-6]
        assert np.ptp(foot[:, 0]) > 0.008
        assert mesh.is_volume
