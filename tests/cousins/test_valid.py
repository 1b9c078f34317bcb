import re
from dataclasses import replace

import numpy as np
import pytest

from scan2sim.cousins import problems
from scan2sim.scene import RestsOn, Scene
from tests.cousins.scenes import at_rest, ball_in_bowl, thing, with_object


def put(scene: Scene, name: str, offset: tuple[float, float, float]) -> Scene:
    obj = thing(scene, name)
    return with_object(scene, replace(obj, position=obj.position + np.array(offset)))


def test_what_stands_still_on_its_support_is_valid() -> None:
    assert problems(at_rest()) == ()
    assert problems(ball_in_bowl()) == ()


@pytest.mark.parametrize(
    ("offset", "kind", "what"),
    [
        ((0, 0, 0.03), "unsettled", "“box” moves"),  # floats
        ((0, 0, 0.001), "support", "“box” does not stand on the support"),  # floats a little
        ((0, 0, -0.002), "overlap", "“box” and the background|the background and “box”"),
        ((0.12, -0.15, 0), "overlap", "“box” and “ball”"),
        ((0.0, 0.23, 0), "support", "“box” stands beside “table”"),
    ],
)
def test_what_is_wrong_is_named(offset: tuple[float, float, float], kind: str, what: str) -> None:
    found = problems(put(at_rest(), "box", offset))
    assert any(problem.startswith(f"{kind}: ") for problem in found), found
    assert any(re.search(what, problem) for problem in found), found


def test_relations_are_checked() -> None:
    ball = replace(thing(at_rest(), "ball"), rests_on=RestsOn(3, "in"))
    assert any("“ball” does not stand in “bowl”" in p for p in problems(with_object(at_rest(), ball)))
    outside = replace(thing(ball_in_bowl(), "ball"), rests_on=RestsOn(0))
    assert any("“ball” does not stand on the support" in p for p in problems(with_object(ball_in_bowl(), outside)))


def test_an_open_mesh_is_inconsistent() -> None:
    box = thing(at_rest(), "box")
    visual = box.visual.copy()
    visual.update_faces(np.arange(len(visual.faces)) > 0)
    assert (
        problems(with_object(at_rest(), replace(box, visual=visual)))[0] == "inconsistent: box: its mesh is not closed"
    )
