"""Objects joined and split by a person: meshes, splats, collision pieces and physics follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import torch
import trimesh
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from scan2sim.bodies import ColorsAt, colors_of, nearest_parts, union
from scan2sim.errors import UsageError
from scan2sim.geometry import inverse_transform, transform_points
from scan2sim.scene.edit import object_named, set_measured
from scan2sim.scene.from_mesh import ObjectConfig, object_from_mesh
from scan2sim.scene.place import frame_of, place_of
from scan2sim.scene.types import RestsOn, Scene, SceneObject
from scan2sim.splats import concatenate, rotate_gaussians

__all__ = ["merge_objects", "split_object"]


def merge_objects(scene: Scene, names: Sequence[str], config: ObjectConfig = ObjectConfig()) -> Scene:  # noqa: B008
    """Make one object of several; it keeps the first one's id, name and label.

    What rests on one of them rests on the whole.  The mass is the sum where all were measured, else a guess from the
    joined volume.

    Raises:
        UsageError: fewer than two different objects, or one that hangs on a joint.
        SceneError: a mesh is not closed.
    """
    things = [object_named(scene, name) for name in dict.fromkeys(names)]
    if len(things) < 2:
        raise UsageError("to merge, at least two different objects are needed", todo="give --merge A B")
    _check_no_joints(scene, things)
    first, ids = things[0], {thing.id for thing in things}
    beneath = [thing.rests_on for thing in things if thing.rests_on and thing.rests_on.id not in ids]
    areas = [thing.visual.area for thing in things]
    joined = object_from_mesh(
        first.id,
        first.name,
        first.label,
        union([_in_scene(thing, thing.visual) for thing in things]),
        concatenate([rotate_gaussians(thing.gaussians, thing.world_from_object) for thing in things]),
        config,
        scale_sigma=scene.scale_sigma,
        rests_on=beneath[0] if beneath else RestsOn(0),
        unseen_fraction=float(np.average([thing.unseen_fraction for thing in things], weights=areas)),
        colors_at=_colors(things),
    )
    others = [_on(thing, ids, first.id) for thing in scene.objects if thing.id not in ids]
    supports = tuple(replace(s, object=first.id) if s.object in ids else s for s in scene.supports)
    place = scene.objects.index(first)
    result = replace(scene, objects=(*others[:place], joined, *others[place:]), supports=supports)
    if all(thing.physical.mass.source == "measured" for thing in things):
        result = set_measured(result, first.name, {"mass": sum(thing.physical.mass.value for thing in things)})
    note = {"kind": "merge", "objects": [place_of(thing) for thing in things]}
    return replace(result, corrections=(*scene.corrections, note))


def split_object(
    scene: Scene,
    name: str,
    points: ArrayLike,  # (K, 3) [m]
    config: ObjectConfig = ObjectConfig(),  # noqa: B008
    *,
    ids: Sequence[int] = (),
) -> Scene:
    """Cut an object into what lies nearest to each of several points of the scene.

    The largest part keeps id and name, the others get new ones; where the cut is done again, ``ids`` says which part
    had which id.  What rested on the object rests on the part that is nearest below it.

    Raises:
        UsageError: no such object, fewer than two points, points that coincide or have nothing near, or a joint.
        SceneError: its mesh is not closed.
    """
    thing, seeds = object_named(scene, name), np.asarray(points, dtype=np.float64).reshape(-1, 3)
    if len(seeds) < 2 or len(np.unique(seeds.round(9), axis=0)) < len(seeds) or not np.isfinite(seeds).all():
        raise UsageError("to split, two or more different points are needed", todo="give --split A --at X,Y,Z X,Y,Z")
    _check_no_joints(scene, [thing])
    meshes = nearest_parts(_in_scene(thing, thing.visual), seeds)
    gaussians = rotate_gaussians(thing.gaussians, thing.world_from_object)
    owner = torch.cdist(gaussians.means.double(), torch.from_numpy(seeds)).argmin(1)
    for seed, mesh in zip(seeds, meshes, strict=True):
        if mesh is None:
            raise UsageError(
                f"nothing of “{name}” lies nearest to {seed.tolist()}", todo="choose a point on the object"
            )
    solids = [mesh for mesh in meshes if mesh is not None]
    taken = {other.name for other in scene.objects}
    numbers = _part_ids(scene, thing.id, [mesh.volume for mesh in solids], ids)
    parts = []
    for k, mesh in enumerate(solids):
        own_name, own_id = name, numbers[k]
        if own_id != thing.id:
            own_name = _free_name(name, taken)
            taken.add(own_name)
        parts.append(
            object_from_mesh(
                own_id,
                own_name,
                thing.label,
                mesh,
                gaussians[owner == k],
                config,
                scale_sigma=scene.scale_sigma,
                rests_on=thing.rests_on,
                unseen_fraction=thing.unseen_fraction,
                colors_at=_colors([thing]),
            )
        )
    parts.sort(key=lambda part: part.id)
    objects: list[SceneObject] = []
    for other in scene.objects:
        if other is thing:
            objects.extend(parts)
        elif other.rests_on and other.rests_on.id == thing.id:
            nearest = min(parts, key=lambda part: float(np.linalg.norm(part.position[:2] - other.position[:2])))
            objects.append(_on(other, {thing.id}, nearest.id))
        else:
            objects.append(other)
    note = {"kind": "split", "object": place_of(thing), "at": seeds.tolist(), "ids": numbers, **frame_of(scene)}
    return replace(scene, objects=tuple(objects), corrections=(*scene.corrections, note))


def _part_ids(scene: Scene, own: int, volumes: list[float], earlier: Sequence[int]) -> list[int]:
    """An id for each part, the object's own for the largest; those it had before, unless others have them now."""
    others = {thing.id for thing in scene.objects} - {own}
    if len(set(earlier)) == len(volumes) and own in earlier and not others.intersection(earlier):
        return [int(number) for number in earlier]
    free = count(max(others | {own}) + 1)
    largest = int(np.argmax(volumes))
    return [own if k == largest else next(free) for k in range(len(volumes))]


def _colors(things: Sequence[SceneObject]) -> ColorsAt:
    """The colours of the nearest of several objects, at points of the scene."""
    corners = [_in_scene(thing, thing.visual).vertices for thing in things]
    tree, owner = KDTree(np.concatenate(corners)), np.repeat(np.arange(len(things)), [len(c) for c in corners])

    def nearest(points: np.ndarray) -> np.ndarray:
        owners, colors = owner[tree.query(points, eps=1.0)[1]], np.zeros_like(points)
        for number, thing in enumerate(things):
            mine = owners == number
            if mine.any():
                own_points = transform_points(inverse_transform(thing.world_from_object), points[mine])
                colors[mine] = colors_of(thing.visual, thing.texture)(own_points)
        return colors

    return nearest


def _in_scene(thing: SceneObject, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    placed = mesh.copy()
    placed.apply_transform(thing.world_from_object)
    return placed


def _on(thing: SceneObject, ids: set[int], new: int) -> SceneObject:
    """What rested on one of ``ids`` rests on ``new``."""
    if thing.rests_on is None or thing.rests_on.id not in ids:
        return thing
    return replace(thing, rests_on=replace(thing.rests_on, id=new))


def _check_no_joints(scene: Scene, things: Sequence[SceneObject]) -> None:
    ids = {thing.id for thing in things}
    for other in scene.objects:
        if other.joint and (other.id in ids or other.joint.parent in ids):
            raise UsageError(f"“{other.name}” hangs on a joint", todo="only free objects can be merged or split")


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
