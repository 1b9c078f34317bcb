from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import trimesh

from scan2sim.bodies import ConvexConfig
from scan2sim.cousins import CousinsConfig, LayoutConfig, problems, sample
from scan2sim.cousins.relations import change_relations
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, Support, object_from_mesh
from tests.cousins.scenes import at_rest, ball_in_bowl, thing
from tests.scene.factory import bowl_mesh, colored, splats_on


@cache
def kitchen() -> Scene:
    """The table with the box as a pedestal, a wide bowl, and two small dice."""
    twin = at_rest()
    bowl = bowl_mesh(radius=0.09, height=0.05, sections=12)
    bowl.apply_translation([0.12, 0.06, 0])
    dice = []
    for id, place in ((5, [0.0, 0.1, 0.0101]), (6, [0.0, 0.0, 0.0101])):
        die = trimesh.creation.box((0.02, 0.02, 0.02))
        die.apply_translation(place)
        dice.append((id, f"die-{id}", die))
    objects = [thing(twin, "box")]
    for id, name, mesh in ((3, "bowl", bowl), *dice):
        splats = splats_on(mesh, 50, (200, 30, 30))
        config = ObjectConfig(texture=0, convex=ConvexConfig(faces=600))
        objects.append(
            object_from_mesh(id, name, Label(name, 1.0, "person"), colored(mesh, (200, 30, 30)), splats, config)
        )
    box = thing(twin, "box")
    top = Support(
        "box-top",
        box.position + np.array([0, 0, 0.025]),
        twin.supports[0].wxyz,
        np.array([[-0.03, -0.02], [0.03, -0.02], [0.03, 0.02], [-0.03, 0.02]]),
        object=box.id,
    )
    return replace(twin, objects=tuple(objects), supports=(*twin.supports, top))


def test_things_go_onto_tops_and_into_containers() -> None:
    twin, seen = kitchen(), set()
    for seed in range(6):
        scene, changes = change_relations(twin, 1.0, np.random.default_rng(seed))
        assert changes
        for change in changes:
            moved = thing(scene, change.object)
            assert moved.rests_on is not None
            assert moved.rests_on.id == {"box": 1, "bowl": 3}[str(change.values["on"])]
            assert moved.rests_on.relation == change.values["relation"]
            seen.add((change.values["on"], change.values["relation"]))
    assert seen == {("box", "on"), ("bowl", "in")}


def test_what_lay_in_a_bowl_may_be_taken_out() -> None:
    scene, changes = change_relations(ball_in_bowl(), 1.0, np.random.default_rng(0))
    ball = thing(scene, "ball")
    if changes[0].object == "ball":
        assert ball.rests_on == RestsOn(0)
        assert np.linalg.norm(ball.position[:2] - thing(scene, "bowl").position[:2]) > 0.06
    assert {change.object for change in change_relations(ball_in_bowl(), 1.0, np.random.default_rng(0))[1]} == {"ball"}


def test_cousins_with_other_relations_are_valid() -> None:
    config = CousinsConfig(vary=("layout",), layout=LayoutConfig(change_relations=True))
    relations = set()
    for seed in range(4):
        cousin = sample(kitchen(), 1.0, np.random.default_rng(seed), config)
        assert problems(cousin.scene) == ()
        relations |= {obj.rests_on.relation for obj in cousin.scene.objects if obj.rests_on}
    assert relations == {"on", "in"}


@pytest.mark.parametrize("seed", range(3))
def test_relations_stay_unless_asked(seed: int) -> None:
    cousin = sample(kitchen(), 1.0, np.random.default_rng(seed), CousinsConfig(vary=("layout",)))
    assert [obj.rests_on for obj in cousin.scene.objects] == [obj.rests_on for obj in kitchen().objects]
