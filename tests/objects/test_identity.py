"""Objects are the same ones again after a rebuild, whether they stayed or moved, and whatever else came or went."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.objects.identity import match_earlier
from scan2sim.scene import SceneObject
from tests.scene.factory import colored, make_scene


def meshes(objects: tuple[SceneObject, ...]) -> list[trimesh.Trimesh]:
    return [thing.visual.copy().apply_translation(thing.position) for thing in objects]


def test_unmoved_objects_are_found_in_any_order_and_new_ones_are_none() -> None:
    things = make_scene().objects
    new = colored(trimesh.creation.box((0.1, 0.1, 0.01)).apply_translation([0.25, 0.2, 0.005]), (10, 10, 200))
    found = match_earlier([*reversed(meshes(things)), new], things)
    assert [thing and thing.id for thing in found] == [*(thing.id for thing in reversed(things)), None]


def test_a_moved_and_turned_object_keeps_its_id_and_so_do_the_others() -> None:
    things = make_scene().objects
    now = meshes(things)
    turn = trimesh.transformations.rotation_matrix(0.7, [0, 0, 1], now[0].center_mass)
    now[0].apply_transform(turn).apply_translation([0.2, -0.15, 0])
    assert [thing and thing.id for thing in match_earlier(now, things)] == [thing.id for thing in things]


def test_without_an_object_the_others_keep_their_ids() -> None:
    things = make_scene().objects
    found = match_earlier(meshes(things[1:]), things)
    assert [thing and thing.id for thing in found] == [thing.id for thing in things[1:]]


def test_identical_things_are_told_apart_by_their_places() -> None:
    one = make_scene().objects[0]
    pair = (one, replace(one, id=77, name="twin", position=one.position + np.array([0.1, 0, 0])))
    now = [mesh.apply_translation([0.003, 0, 0]) for mesh in reversed(meshes(pair))]
    assert [thing and thing.id for thing in match_earlier(now, pair)] == [77, one.id]


def test_nothing_earlier_matches_nothing() -> None:
    assert match_earlier(meshes(make_scene().objects), ()) == [None] * len(make_scene().objects)


def as_filmed_again(mesh: trimesh.Trimesh, scale: float, turn: float, shift: tuple[float, float]) -> trimesh.Trimesh:
    """In the frame of other photos: another guess of metres, another heading, another origin on the support."""
    frame = np.array(trimesh.transformations.rotation_matrix(turn, [0, 0, 1]))
    frame[:3, :3] *= scale
    frame[:2, 3] = shift
    return mesh.copy().apply_transform(frame)


@settings(max_examples=30, deadline=None)
@given(
    scale=st.floats(0.6, 1.6),
    turn=st.floats(-np.pi, np.pi),
    shift=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    moved=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_new_photos_know_moved_and_unmoved_objects_again(
    scale: float, turn: float, shift: tuple[float, float], moved: int | None
) -> None:
    one, *others = make_scene().objects
    things = (one, *others, replace(one, id=77, name="twin", position=one.position + np.array([0.02, 0.09, 0])))
    now = meshes(things)
    if moved is not None:
        spin = trimesh.transformations.rotation_matrix(0.7, [0, 0, 1], now[moved].center_mass)
        now[moved].apply_transform(spin).apply_translation([0.17, -0.16, 0])
    again = [as_filmed_again(mesh, scale, turn, shift) for mesh in reversed(now)]
    assert [thing and thing.id for thing in match_earlier(again, things)] == [thing.id for thing in reversed(things)]


def test_another_scene_is_not_taken_for_the_earlier_one() -> None:
    things = make_scene().objects
    new = [
        colored(trimesh.creation.box(size).apply_translation(place), (10, 10, 200))
        for size, place in (((0.2, 0.03, 0.01), (0.25, 0.2, 0.005)), ((0.02, 0.02, 0.15), (-0.3, 0.1, 0.075)))
    ]
    assert match_earlier(new, things) == [None, None]
