"""Corrections find their objects, places and lengths again in a scene that was built from other photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scan2sim.cameras import CameraFrame
from scan2sim.geometry import quaternion_from_matrix, transform_points
from scan2sim.scene import (
    Scene,
    SceneObject,
    apply_corrections,
    delete_object,
    merge_objects,
    rename_object,
    scale_scene,
    set_measured,
    split_object,
)
from tests.scene.factory import make_scene

TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
SHIFT = np.array([0.2, -0.1, 0.0])
ENDS = np.array([[0.04, 0, 0], [-0.04, 0, 0]])  # [m] from the middle of the box, twice as large as it is
LARGER = 1.25  # the new photos' guess of metres over the earlier one's


def named(scene: Scene, name: str) -> SceneObject:
    return next(thing for thing in scene.objects if thing.name == name)


def camera_elsewhere(frame: CameraFrame) -> CameraFrame:
    pose = frame.camera.world_from_camera.copy()
    pose[:3, :3] = TURN @ pose[:3, :3]
    pose[:3, 3] = TURN @ pose[:3, 3] + SHIFT
    return replace(frame, camera=replace(frame.camera, world_from_camera=pose))


def in_another_frame(scene: Scene, factor: float = LARGER) -> Scene:
    """The scene as a build with a few more photos tells it: turned, shifted, and of another size."""
    turned = [
        replace(
            thing,
            position=transform_points(np.block([[TURN, SHIFT[:, None]], [np.zeros((1, 3)), 1.0]]), thing.position),
            wxyz=quaternion_from_matrix(TURN @ thing.world_from_object[:3, :3]),
        )
        for thing in scene.objects
    ]
    moved = replace(scene, objects=tuple(turned), cameras=tuple(map(camera_elsewhere, scene.cameras)))
    return replace(scale_scene(moved, factor), corrections=(), scale=scene.scale)


def of_other_photos(scene: Scene) -> Scene:
    """The same objects, seen from elsewhere in photos of the same names."""
    frames = []
    for i, frame in enumerate(scene.cameras):
        pose = frame.camera.world_from_camera.copy()
        pose[:3, 3] *= 1.0 + 0.1 * i
        frames.append(replace(frame, camera=replace(frame.camera, world_from_camera=pose)))
    return replace(scene, cameras=tuple(frames))


EDITS: dict[str, Callable[[Scene], Scene]] = {
    "rename": lambda scene: rename_object(scene, "ball", "green-ball"),
    "delete": lambda scene: delete_object(scene, "ball"),
    "weigh": lambda scene: set_measured(scene, "ball", {"mass": 0.2}),
    "merge": lambda scene: merge_objects(scene, ["ball", "bowl"]),
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_a_moved_object_keeps_its_corrections(edit: str) -> None:
    before = make_scene()
    box, ball, bowl = before.objects
    changed_places = replace(
        before,
        objects=(replace(box, position=ball.position), replace(ball, position=box.position), bowl),
    )
    expected, corrected = EDITS[edit](changed_places), EDITS[edit](before)
    again = apply_corrections(changed_places, corrected.corrections)
    assert again.lost == ()
    assert list(again.scene.corrections) == list(corrected.corrections)  # the list in the build stays true
    assert [(thing.id, thing.name) for thing in again.scene.objects] == [(t.id, t.name) for t in expected.objects]
    for one, other in zip(again.scene.objects, expected.objects, strict=True):
        np.testing.assert_allclose(one.position, other.position)
        assert one.physical.mass == other.physical.mass


def test_lengths_and_places_are_carried_by_the_photos_that_both_have() -> None:
    scene = make_scene()
    middle = named(scene, "box").position
    corrected = split_object(scale_scene(scene, 2.0), "box", 2 * middle + ENDS)
    again = apply_corrections(in_another_frame(make_scene()), corrected.corrections)
    assert again.lost == ()
    parts = {thing.name: thing for thing in again.scene.objects}
    for thing in corrected.objects:
        there = TURN @ thing.position + 2.0 * SHIFT
        np.testing.assert_allclose(parts[thing.name].position, there, atol=1e-6)
        assert parts[thing.name].id == thing.id
        assert parts[thing.name].physical.volume.value == pytest.approx(thing.physical.volume.value, rel=1e-6)


def test_on_other_photos_lengths_and_places_are_lost_and_that_is_said() -> None:
    scene = make_scene()
    middle = named(scene, "box").position
    corrected = rename_object(split_object(scale_scene(scene, 2.0), "box", 2 * middle + ENDS), "box-2", "lid")
    again = apply_corrections(of_other_photos(make_scene()), corrected.corrections)
    assert again.lost == (
        "scale: it was made on other photos",
        "split “box”: it was made on other photos",
        "rename “box-2”: “box-2” is not there any more",
    )
    assert [thing.name for thing in again.scene.objects] == ["box", "ball", "bowl"]
    np.testing.assert_array_equal(named(again.scene, "box").position, middle)
    assert len(again.scene.corrections) == 3


def test_the_parts_of_a_split_keep_their_ids_whatever_their_sizes() -> None:
    scene = make_scene()
    box = named(scene, "box")
    corrected = rename_object(
        split_object(scene, "box", box.position + np.array([[0.01, 0, 0], [-0.02, 0, 0]])), "box-2", "small-end"
    )
    small = named(corrected, "small-end")
    grown = box.visual.copy()
    grown.vertices[grown.vertices[:, 0] > 0, 0] *= 0.3  # rebuilt, the other part is the larger one
    rebuilt = replace(scene, objects=(replace(box, visual=grown), *scene.objects[1:]))
    again = apply_corrections(rebuilt, corrected.corrections)
    assert again.lost == ()
    assert named(again.scene, "small-end").id == small.id
    assert named(again.scene, "small-end").position[0] < named(again.scene, "box").position[0]


def test_notes_without_ids_are_found_by_their_places() -> None:
    scene = make_scene()
    corrected = rename_object(scene, "ball", "green-ball")
    note = {**corrected.corrections[0]}
    note["object"] = {key: value for key, value in note["object"].items() if key != "id"}
    other_ids = replace(scene, objects=tuple(replace(thing, id=thing.id % 3 + 1) for thing in scene.objects))
    again = apply_corrections(other_ids, [note]).scene
    np.testing.assert_array_equal(named(again, "green-ball").position, named(scene, "ball").position)
