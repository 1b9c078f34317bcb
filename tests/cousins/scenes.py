"""Small scenes at rest, of which tests make cousins."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from scan2sim.scene import RestsOn, Scene, SceneObject
from scan2sim.sim import settled_scene
from tests.scene.factory import make_scene


@cache
def at_rest() -> Scene:
    """A box, a ball and a bowl on a table, standing still."""
    return settled_scene(make_scene())[0]


@cache
def ball_in_bowl() -> Scene:
    """The ball lies in the bowl; the box stands beside them."""
    scene = at_rest()
    bowl = thing(scene, "bowl")
    ball = replace(
        thing(scene, "ball"), position=bowl.position + np.array([0, 0, 0.045]), rests_on=RestsOn(bowl.id, "in")
    )
    return settled_scene(with_object(scene, ball))[0]


def thing(scene: Scene, name: str) -> SceneObject:
    """The object of this name."""
    return next(obj for obj in scene.objects if obj.name == name)


def with_object(scene: Scene, changed: SceneObject) -> Scene:
    """The scene with one object in place of that with the same id."""
    return replace(scene, objects=tuple(changed if obj.id == changed.id else obj for obj in scene.objects))
