from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from scan2sim.scene import Estimate, Joint, RestsOn, Scene, SceneObject, Support, validate_scene
from tests.scene.factory import bowl_mesh, make_scene


def changed(**fields: Any) -> Scene:
    """The scene with the first object's fields changed; fields of Physical are meant where they are its."""
    scene = make_scene()
    first = scene.objects[0]
    physics = {k: v for k, v in fields.items() if k in vars(first.physical)}
    others = {k: v for k, v in fields.items() if k not in physics}
    first = replace(first, physical=replace(first.physical, **physics), **others)
    return replace(scene, objects=(first, *scene.objects[1:]))


def open_box() -> trimesh.Trimesh:
    box = trimesh.creation.box((0.05, 0.05, 0.05))
    return trimesh.Trimesh(box.vertices, box.faces[1:], process=False)


def infinite() -> Any:
    gaussians = make_scene().objects[0].gaussians
    return replace(gaussians, means=torch.full_like(gaussians.means, float("nan")))


def test_the_factory_makes_a_sound_scene() -> None:
    assert validate_scene(make_scene()) == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"id": 2}, "id 2 is used by 2 objects"),
        ({"id": 0}, "id 0 is not in"),
        ({"name": "ball"}, "name “ball” is used by 2 objects"),
        ({"name": "Red Box"}, "not made of"),
        ({"name": "../box"}, "not made of"),
        ({"name": ""}, "not made of"),
        ({"position": np.array([0, np.nan, 0])}, "position is not finite"),
        ({"wxyz": np.array([1.0, 1, 0, 0])}, "length 1"),
        ({"visual": open_box()}, "mesh is not closed"),
        ({"collision": ()}, "no collision pieces"),
        ({"collision": (bowl_mesh(),)}, "piece 0 is not convex"),
        ({"collision": (open_box(),)}, "piece 0 is not convex"),
        ({"gaussians": infinite()}, "Gaussians are not finite"),
        ({"mass": Estimate(0.0, 0.0, 1.0, "guess")}, "mass is not positive"),
        ({"mass": Estimate(1.0, 2.0, 3.0, "guess")}, "its mass 1 (2 to 3)"),
        ({"restitution": Estimate(0.5, 0.1, 1.5, "guess")}, "its restitution"),
        ({"friction": Estimate(0.5, -0.1, 1.5, "guess")}, "its friction"),
        ({"inertia": np.diag([1.0, 1.0, 2.5])}, "triangle inequality"),
        ({"inertia": np.diag([1.0, -1.0, 1.0])}, "symmetric and positive"),
        ({"inertia": np.array([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 1]])}, "symmetric and positive"),
        ({"inertia": np.full((3, 3), np.nan)}, "not finite"),
        ({"rests_on": RestsOn(9)}, "rests on object 9"),
        ({"rests_on": RestsOn(1)}, "rests on object 1"),
        ({"mobility": "joint"}, "it has no joint"),
        ({"joint": Joint(0, "revolute", np.zeros(3), np.array([0, 0, 1.0]), 0, 1, 0, 0)}, "it has a joint"),
        ({"unseen_fraction": 1.5}, "unseen fraction"),
    ],
)
def test_each_fault_is_named(fields: dict[str, Any], problem: str) -> None:
    problems = validate_scene(changed(**fields))
    assert any(problem in p for p in problems), problems


def test_faults_of_the_scene_itself() -> None:
    scene = make_scene()
    support = scene.supports[0]
    bad: list[tuple[Scene, str]] = [
        (replace(scene, background_collision=(bowl_mesh(),)), "background collision piece 0"),
        (replace(scene, supports=(replace(support, object=7),)), "belongs to object 7"),
        (replace(scene, supports=(replace(support, wxyz=np.zeros(4)),)), "unit quaternion"),
        (replace(scene, supports=(Support("t", support.position, support.wxyz, np.zeros((2, 2))),)), "three finite"),
        (replace(scene, points=np.full((3, 3), np.inf), point_colors=np.zeros((3, 3), np.uint8)), "sparse points"),
    ]
    for broken, problem in bad:
        assert any(problem in p for p in validate_scene(broken)), problem


def test_a_link_may_hang_on_another_object() -> None:
    scene = make_scene()
    joint = Joint(3, "revolute", np.zeros(3), np.array([0, 0, 1.0]), 0, 1, 0, 0)
    link: SceneObject = replace(scene.objects[0], mobility="joint", joint=joint)
    assert validate_scene(replace(scene, objects=(link, *scene.objects[1:]))) == ()
    lost = replace(link, joint=replace(joint, parent=8))
    assert any("parent 8" in p for p in validate_scene(replace(scene, objects=(lost, *scene.objects[1:]))))
