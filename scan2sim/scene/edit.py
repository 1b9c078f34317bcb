"""Edits by a person: what an object is called, that it is none, what it weighs; each is noted in the scene."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scan2sim.bodies import TWO_SIDED_95, estimate_physical, material_named
from scan2sim.errors import UsageError
from scan2sim.scene.correct import check_sigma
from scan2sim.scene.place import place_of
from scan2sim.scene.types import Estimate, Physical, RestsOn, Scene, SceneObject
from scan2sim.scene.validate import MAX_NAME, NAME

__all__ = ["delete_object", "object_named", "rename_object", "set_material", "set_measured"]

MOST = {"mass": 1e5, "friction": 10.0, "restitution": 1.0}  # beyond it is a slip of the pen


def object_named(scene: Scene, name: str) -> SceneObject:
    """The object with this name.

    Raises:
        UsageError: there is none.
    """
    for thing in scene.objects:
        if thing.name == name:
            return thing
    names = ", ".join(thing.name for thing in scene.objects)
    raise UsageError(f"no object “{name}”", todo=f"choose from: {names or 'there are none'}")


def rename_object(scene: Scene, name: str, new: str) -> Scene:
    """Call an object something else; its label then says so, on a person's word.

    Raises:
        UsageError: no such object, or a name that is taken or not made of a-z, 0-9 and single hyphens.
    """
    thing = object_named(scene, name)
    if not NAME.fullmatch(new) or len(new) > MAX_NAME:
        raise UsageError(f"“{new}” is no name", todo="use a-z, 0-9 and single hyphens, as in coffee-cup")
    if any(other.name == new for other in scene.objects):
        raise UsageError(f"another object is called “{new}” already", todo="choose another name")
    label = replace(thing.label, text=new.replace("-", " "), confidence=1.0, source="person")
    return _noted(scene, thing, replace(thing, name=new, label=label), {"kind": "rename", "to": new})


def delete_object(scene: Scene, name: str) -> Scene:
    """Take an object out of the scene, splats and all; what rests on it then rests on what it rested on.

    Raises:
        UsageError: no such object, or another one hangs on it by a joint.
    """
    thing = object_named(scene, name)
    hanging = [other.name for other in scene.objects if other.joint and other.joint.parent == thing.id]
    if hanging:
        raise UsageError(f"“{hanging[0]}” hangs on “{name}” by a joint", todo=f"delete {hanging[0]} first")
    return _noted(scene, thing, None, {"kind": "delete"})


def set_measured(scene: Scene, name: str, values: Mapping[str, float], relative_sigma: float = 0.01) -> Scene:
    """Put measured values in place of estimates; the inertia follows the mass.

    Args:
        scene: any scene.
        name: of the object.
        values: any of ``mass`` [kg], ``friction``, ``restitution``.
        relative_sigma: one standard deviation of the measurements, relative.

    Raises:
        UsageError: no such object, or an impossible value.
    """
    thing = object_named(scene, name)
    check_sigma(relative_sigma)
    physical = thing.physical
    for key, value in values.items():
        if key not in MOST:
            raise UsageError(f"“{key}” cannot be measured", todo=f"choose from: {', '.join(MOST)}")
        least = 0.0 if key == "restitution" else 1e-6
        if not (math.isfinite(value) and least <= value <= MOST[key]):
            raise UsageError(
                f"{key} of {name}: {value} was given", todo=f"give a number from {least:g} to {MOST[key]:g}"
            )
        width = math.exp(TWO_SIDED_95 * relative_sigma)
        estimate = Estimate(value, value / width, min(value * width, max(value, MOST[key])), "measured")
        physical = _with_mass(physical, estimate) if key == "mass" else replace(physical, **{key: estimate})
    note = {"kind": "physics", "measured": dict(values), "relative_sigma": relative_sigma}
    return _noted(scene, thing, replace(thing, physical=physical), note)


def set_material(scene: Scene, name: str, material: str) -> Scene:
    """Say what an object is made of: mass, friction and restitution follow from the table, unless they were measured.

    Raises:
        UsageError: no such object or material.
    """
    thing, row = object_named(scene, name), material_named(material)
    physical = thing.physical
    spread = math.log(physical.volume.high / physical.volume.value) / TWO_SIDED_95  # of scale and shape together
    found = estimate_physical(thing.visual, row, shape_sigma=spread)
    if physical.mass.source != "measured":
        physical = _with_mass(physical, found.mass)
    for key in ("friction", "restitution"):
        if getattr(physical, key).source != "measured":
            physical = replace(physical, **{key: getattr(found, key)})
    return _noted(scene, thing, replace(thing, physical=physical), {"kind": "material", "material": material})


def _with_mass(physical: Physical, mass: Estimate) -> Physical:
    """The same body with another mass, spread as before."""
    return replace(physical, mass=mass, inertia=physical.inertia * (mass.value / physical.mass.value))


def _noted(scene: Scene, before: SceneObject, after: SceneObject | None, note: dict[str, Any]) -> Scene:
    """The scene with one object changed or gone, and with the note that says so."""
    supports = scene.supports
    if after is None:
        objects = tuple(_resting_elsewhere(thing, before) for thing in scene.objects if thing is not before)
        supports = tuple(support for support in supports if support.object != before.id)
    else:
        objects = tuple(after if thing is before else thing for thing in scene.objects)
    corrections = (*scene.corrections, note | {"object": place_of(before)})
    return replace(scene, objects=objects, supports=supports, corrections=corrections)


def _resting_elsewhere(thing: SceneObject, gone: SceneObject) -> SceneObject:
    if thing.rests_on is None or thing.rests_on.id != gone.id:
        return thing
    return replace(thing, rests_on=gone.rests_on or RestsOn(0))
