"""Put each object onto what it rests on: out of what it overlaps by the smallest way, then down out of the air."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np

from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT
from scan2sim.sim.model import compile_scene

__all__ = ["OVERLAP", "collide", "place_free", "push_apart", "rest_on_support"]

FIRST_MOVE = 0.0005  # [m] doubled until the object is free, or touches
PRECISION = 2e-5  # [m]
FARTHEST = 0.1  # [m] an object is never moved farther than this
CLEARANCE = 1e-5  # [m] left between the object and its support
OVERLAP = 1e-4  # [m] of two objects that is left to the contact
ROUNDS = 50  # of pushing apart, in which each overlap is undone once
UPWARDS = 0.7  # vertical part of a contact's normal from which on the lower one carries the upper one


def place_free(scene: Scene, data: mujoco.MjData) -> None:
    """Put the free objects where the scene has them, at rest."""
    for obj in scene.objects:
        if obj.mobility == "free":
            data.joint(obj.name).qpos[:] = [*obj.position, *obj.wxyz]
            data.joint(obj.name).qvel[:] = 0.0


def rest_on_support(scene: Scene, compiled: mujoco.MjModel | None = None) -> Scene:
    """Move each free object by the smallest vertical way to where it just touches what carries it.

    That is the background, the object that it rests on at its new height, and whatever else it meets from above; what
    stands beside it does not count.  An object that finds nothing to rest on within 10 cm stays where it is.
    A ``compiled`` model of the scene, whatever the poses in it, saves making one.

    Raises:
        SceneError: the scene is not consistent.
    """
    model, data = _placed(scene, compiled)
    heights: dict[int, float] = {}
    for obj in _supports_first(scene.objects):
        if obj.mobility == "free":
            below = [0] + [model.body(o.name).id for o in scene.objects if obj.rests_on and o.id == obj.rests_on.id]
            heights[obj.id] = _rest(model, data, obj, frozenset(below))
    objects = [replace(o, position=o.position + np.array([0, 0, heights.get(o.id, 0.0)])) for o in scene.objects]
    return replace(scene, objects=tuple(objects))


def push_apart(scene: Scene, compiled: mujoco.MjModel | None = None) -> Scene:
    """Move free objects that overlap others out of them, along the normal of the deepest contact of each pair.

    Beside each other, two free objects move by half the depth each; what lies on another one, or rests in it between
    its walls, moves alone, as does what overlaps something fixed.  Nothing is turned, and nothing is moved farther than
    10 cm.
    A ``compiled`` model of the scene, whatever the poses in it, saves making one.

    Raises:
        SceneError: the scene is not consistent.
    """
    model, data = _placed(scene, compiled)
    joints = {model.body(o.name).id: data.joint(o.name) for o in scene.objects if o.mobility == "free"}
    start = {body: joint.qpos[:3].copy() for body, joint in joints.items()}
    bodies = {o.id: model.body(o.name).id for o in scene.objects}
    carried = {(bodies[o.rests_on.id], bodies[o.id]) for o in scene.objects if o.rests_on and o.rests_on.id in bodies}
    for _ in range(ROUNDS):
        overlaps = _overlaps(model, data)
        if not any(pair[0] in joints or pair[1] in joints for pair in overlaps):
            break
        for (a, b), move in overlaps.items():  # move: of b out of a
            upright = move[2] / np.linalg.norm(move)
            beside = 1.0 if (a, b) in carried else 0.0 if (b, a) in carried else 0.5
            share = beside if abs(upright) < UPWARDS else float(upright > 0)
            share = 1.0 if a not in joints else 0.0 if b not in joints else share
            for body, way in ((b, share * move), (a, (share - 1) * move)):
                if body in joints and np.linalg.norm(joints[body].qpos[:3] + way - start[body]) < FARTHEST:
                    joints[body].qpos[:3] += way
    ways = {model.body(body).name: joints[body].qpos[:3] - start[body] for body in joints}
    objects = [replace(o, position=o.position + ways[o.name]) if o.name in ways else o for o in scene.objects]
    return replace(scene, objects=tuple(objects))


def _placed(scene: Scene, compiled: mujoco.MjModel | None) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """A model, and the free objects in it where the scene has them."""
    model = compile_scene(scene, CONTACT) if compiled is None else compiled
    data = mujoco.MjData(model)
    place_free(scene, data)
    return model, data


def _overlaps(model: mujoco.MjModel, data: mujoco.MjData) -> dict[tuple[int, int], np.ndarray]:
    """The way (3,) [m] of the second body out of the first, for each pair that overlaps."""
    collide(model, data)
    found: dict[tuple[int, int], np.ndarray] = {}
    for k in range(data.ncon):
        depth = -float(data.contact.dist[k])
        first, second = (int(body) for body in model.geom_bodyid[data.contact.geom[k]])
        normal = data.contact.frame[k][:3] * (1 if first < second else -1)
        pair = (min(first, second), max(first, second))
        if depth > OVERLAP and depth > np.linalg.norm(found.get(pair, 0.0)):
            found[pair] = depth * normal
    return found


def _rest(model: mujoco.MjModel, data: mujoco.MjData, obj: SceneObject, below: frozenset[int]) -> float:
    """Set the object onto the bodies below it; returns how far it was raised [m]."""
    body, joint = model.body(obj.name).id, data.joint(obj.name)
    start = float(joint.qpos[2])

    def touches(raised: float) -> bool:
        joint.qpos[2] = start + raised
        collide(model, data)
        for pair, frame in zip(model.geom_bodyid[data.contact.geom], data.contact.frame, strict=True):
            if body in pair:
                other, upright = (pair[0], frame[2]) if pair[1] == body else (pair[1], -frame[2])
                if other in below or upright > UPWARDS:
                    return True
        return False

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


def collide(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Find the contacts of the poses as they are, without a step."""
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_collision(model, data)


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
