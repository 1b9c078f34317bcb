"""Objects joined and split keep what they are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scan2sim.errors import UsageError
from scan2sim.scene import (
    RestsOn,
    apply_corrections,
    merge_objects,
    scene_gaussians,
    set_measured,
    split_object,
    validate_scene,
)
from tests.scene.factory import make_scene
from tests.scene.test_edit import named, rebuilt


def test_two_objects_become_one_with_everything_of_both() -> None:
    before = make_scene()
    box, ball, bowl = before.objects
    scene = replace(before, objects=(box, replace(ball, rests_on=RestsOn(box.id)), bowl))
    merged = merge_objects(scene, ["box", "bowl"])
    whole = named(merged, "box")
    assert [(thing.id, thing.name) for thing in merged.objects] == [(1, "box"), (2, "ball")]
    assert whole.physical.volume.value == pytest.approx(box.visual.volume + bowl.visual.volume, rel=0.02)
    assert len(whole.gaussians) == len(box.gaussians) + len(bowl.gaussians)
    centre = (box.physical.volume.value * box.position + bowl.physical.volume.value * bowl.position) / (
        box.physical.volume.value + bowl.physical.volume.value
    )
    np.testing.assert_allclose(whole.position, centre, atol=1e-3)
    old, new = (scene_gaussians(s).means.numpy() for s in (scene, merged))
    np.testing.assert_allclose(np.sort(old, axis=0), np.sort(new, axis=0), atol=1e-6)  # nothing moved
    assert named(merged, "ball").rests_on == RestsOn(1)
    assert validate_scene(merged) == ()
    again = apply_corrections(rebuilt(before), merged.corrections).scene
    assert len(again.objects) == 2
    assert again.corrections[-1]["kind"] == "merge"


def test_measured_masses_add_up() -> None:
    scene = set_measured(set_measured(make_scene(), "box", {"mass": 0.1}), "ball", {"mass": 0.2})
    mass = named(merge_objects(scene, ["box", "ball"]), "box").physical.mass
    assert (mass.value, mass.source) == (pytest.approx(0.3), "measured")
    assert merge_objects(scene, ["box", "bowl"]).objects[0].physical.mass.source == "guess"


def test_a_split_object_is_two_that_make_up_the_first() -> None:
    scene = make_scene()
    box = named(scene, "box")
    ends = box.position + np.array([[0.02, 0, 0], [-0.01, 0, 0]])
    parts = split_object(scene, "box", ends)
    names = [thing.name for thing in parts.objects]
    assert names == ["box", "box-2", "ball", "bowl"]
    assert [thing.id for thing in parts.objects] == [1, 4, 2, 3]
    large, small = named(parts, "box"), named(parts, "box-2")
    # the cut lies 5 mm from the middle of the 60 mm long box
    assert large.physical.volume.value == pytest.approx(35 / 60 * box.physical.volume.value, rel=1e-3)
    assert small.physical.volume.value == pytest.approx(25 / 60 * box.physical.volume.value, rel=1e-3)
    assert len(large.gaussians) + len(small.gaussians) == len(box.gaussians)
    assert (large.gaussians.means.numpy()[:, 0] + large.position[0] <= box.position[0] + 0.0051).all()
    assert validate_scene(parts) == ()
    joined = merge_objects(parts, ["box", "box-2"])
    assert named(joined, "box").physical.volume.value == pytest.approx(box.physical.volume.value, rel=1e-3)
    again = apply_corrections(rebuilt(make_scene()), joined.corrections).scene
    assert len(again.objects) == 3


def test_what_cannot_be_grouped_is_said() -> None:
    scene = make_scene()
    place = named(scene, "box").position
    for wrong in (["box"], ["box", "box"], ["box", "spoon"]):
        with pytest.raises(UsageError):
            merge_objects(scene, wrong)
    for points in ([place], [place, place], [place, place + np.array([2.0, 0, 0])], [place, place * np.nan]):
        with pytest.raises(UsageError):
            split_object(scene, "box", points)
