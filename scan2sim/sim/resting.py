"""Put each object onto what it rests on: up out of a penetration, down out of the air."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np

from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT
from scan2sim.sim.model import compile_scene

__all__ = ["rest_on_support"]

FIRST_MOVE = 0.0005  # [m] doubled until the object is free, or touches
PRECISION = 2e-5  # [m]
FARTHEST = 0.1  # [m] an object is never moved farther than this
CLEARANCE = 1e-5  # [m] left between the object and its support


def rest_on_support(scene: Scene) -> Scene:
    """Move each free object by the smallest vertical way to where it just touches its support.

    Its support is the background and, where it rests on another object, that object at its new height; other objects
    beside it do not count.  An object that finds nothing to rest on within 10 cm stays where it is.

    Raises:
        SceneError: the scene is not consistent.
    """
    model = compile_scene(scene, CONTACT)
    data = mujoco.MjData(model)
    heights: dict[int, float] = {}
    for obj in _supports_first(scene.objects):
        if obj.mobility == "free":
            below = [0] + [model.body(o.name).id for o in scene.objects if obj.rests_on and o.id == obj.rests_on.id]
            heights[obj.id] = _rest(model, data, obj, frozenset(below))
    objects = [replace(o, position=o.position + np.array([0, 0, heights.get(o.id, 0.0)])) for o in scene.objects]
    return replace(scene, objects=tuple(objects))


def _rest(model: mujoco.MjModel, data: mujoco.MjData, obj: SceneObject, below: frozenset[int]) -> float:
    """Set the object onto the bodies below it; returns how far it was raised [m]."""
    body, joint = model.body(obj.name).id, data.joint(obj.name)
    start = float(joint.qpos[2])

    def touches(raised: float) -> bool:
        joint.qpos[2] = start + raised
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        pairs = model.geom_bodyid[data.contact.geom] if data.ncon else np.zeros((0, 2), int)
        return any((a == body and b in below) or (b == body and a in below) for a, b in pairs)

    direction = 1.0 if touches(0.0) else -1.0
    near, far = 0.0, direction * FIRST_MOVE
    while touches(far) == (direction > 0):
        near, far = far, 2 * far
        if abs(far) > FARTHEST:
            touches(0.0)
            return 0.0
    touching, free = (near, far) if direction > 0 else (far, near)
    while abs(free - touching) > PRECISION:
        middle = (touching + free) / 2
        if touches(middle):
            touching = middle
        else:
            free = middle
    touches(free + CLEARANCE)
    return free + CLEARANCE


def _supports_first(objects: tuple[SceneObject, ...]) -> list[SceneObject]:
    """What carries comes before what it carries; otherwise from the lowest up."""
    by_id = {o.id: o for o in objects}

    def level(obj: SceneObject) -> int:
        steps, seen = 0, {obj.id}
        while obj.rests_on and obj.rests_on.id in by_id and obj.rests_on.id not in seen:
            obj, steps = by_id[obj.rests_on.id], steps + 1
            seen.add(obj.id)
        return steps

    return sorted(objects, key=lambda o: (level(o), float(o.position[2])))
