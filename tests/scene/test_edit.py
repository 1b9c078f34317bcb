"""Edits change what they say and nothing else, and are done again after a rebuild that moved and renamed things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scan2sim.errors import SceneError, UsageError
from scan2sim.scene import (
    RestsOn,
    Scene,
    SceneObject,
    apply_corrections,
    delete_object,
    rename_object,
    scale_scene,
    set_material,
    set_measured,
    validate_scene,
)
from tests.scene.factory import make_scene


def named(scene: Scene, name: str) -> SceneObject:
    return next(thing for thing in scene.objects if thing.name == name)


def rebuilt(scene: Scene) -> Scene:
    """The same capture built again: other names, other order, places a little off."""
    objects = [
        replace(thing, name=f"thing-{thing.id}", position=thing.position + 0.003) for thing in reversed(scene.objects)
    ]
    return replace(scene, objects=tuple(objects), corrections=())


def test_a_renamed_object_is_called_so_by_a_person() -> None:
    scene = rename_object(make_scene(), "ball", "green-ball")
    assert [thing.name for thing in scene.objects] == ["box", "green-ball", "bowl"]
    assert (scene.objects[1].label.text, scene.objects[1].label.source) == ("green ball", "person")
    assert validate_scene(scene) == ()
    again = apply_corrections(rebuilt(make_scene()), scene.corrections).scene
    assert named(again, "green-ball").id == 2
    assert again.corrections[-1]["kind"] == "rename"
    assert [thing.name for thing in apply_corrections(scene, scene.corrections).scene.objects] == [
        "box",
        "green-ball",
        "bowl",
    ]


@pytest.mark.parametrize("new", ["Ball", "", "a b", "box", "a--b", "x" * 101])
def test_impossible_names_are_refused(new: str) -> None:
    with pytest.raises(UsageError):
        rename_object(make_scene(), "ball", new)
    with pytest.raises(UsageError, match="choose from: box, ball, bowl"):
        rename_object(make_scene(), "cube", "x")


def test_what_stood_on_a_deleted_object_stands_on_what_that_stood_on() -> None:
    scene = make_scene()
    box, ball, bowl = scene.objects
    scene = replace(scene, objects=(box, replace(ball, rests_on=RestsOn(bowl.id, "in")), bowl))
    scene = delete_object(scene, "bowl")
    assert [thing.name for thing in scene.objects] == ["box", "ball"]
    assert scene.objects[1].rests_on == RestsOn(0)
    assert validate_scene(scene) == ()
    again = apply_corrections(rebuilt(make_scene()), scene.corrections).scene
    assert sorted(thing.id for thing in again.objects) == [1, 2]
    gone = apply_corrections(scene, scene.corrections)
    assert gone.lost == ("delete “bowl”: “bowl” is not there any more",)
    assert [thing.id for thing in gone.scene.objects] == [thing.id for thing in scene.objects]


def test_a_measured_mass_is_kept_through_scaling_and_carries_the_inertia() -> None:
    before = make_scene()
    scene = set_measured(before, "box", {"mass": 0.11, "friction": 0.3}, relative_sigma=0.02)
    old, new = named(before, "box").physical, named(scene, "box").physical
    assert (new.mass.value, new.mass.source, new.friction.value) == (0.11, "measured", 0.3)
    assert new.mass.low == pytest.approx(0.11 * np.exp(-1.96 * 0.02))
    np.testing.assert_allclose(new.inertia / old.inertia.max(), old.inertia / old.inertia.max() * 0.11 / old.mass.value)
    assert new.restitution == old.restitution
    larger = named(scale_scene(scene, 2.0), "box").physical
    assert larger.mass == new.mass
    np.testing.assert_allclose(larger.inertia, 4 * new.inertia)
    again = apply_corrections(rebuilt(before), scene.corrections).scene
    assert again.objects[2].physical.mass == new.mass
    assert validate_scene(again) == ()


@pytest.mark.parametrize(
    "values", [{"mass": 0.0}, {"mass": -1.0}, {"mass": float("nan")}, {"restitution": 1.1}, {"color": 1.0}]
)
def test_impossible_measurements_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        set_measured(make_scene(), "box", values)


def test_a_material_sets_what_was_not_measured() -> None:
    scene = set_material(set_measured(make_scene(), "ball", {"friction": 0.25}), "ball", "steel")
    ball = named(scene, "ball")
    assert ball.physical.mass.value == pytest.approx(7850 * ball.visual.volume, rel=1e-3)
    assert ball.physical.mass.source == "material"
    assert ball.physical.friction.value == 0.25
    assert ball.physical.restitution.value == 0.5
    again = apply_corrections(rebuilt(make_scene()), scene.corrections).scene
    assert again.objects[1].physical.mass.value == pytest.approx(ball.physical.mass.value)
    with pytest.raises(UsageError, match="no material"):
        set_material(scene, "ball", "cheese")


@pytest.mark.parametrize(
    "entry", [{"kind": "rename"}, {"kind": "delete", "object": {"position": [1, 2]}}, {"kind": "paint"}]
)
def test_damaged_corrections_are_named(entry: dict[str, object]) -> None:
    with pytest.raises(SceneError, match=r"correction"):
        apply_corrections(make_scene(), [entry])
