"""Convex pieces that bulge over their object's surface, cut where they would push a neighbour away."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.bodies import Surface, bounded_hull, crossings, piece_fit
from scan2sim.errors import SceneError
from scan2sim.geometry import inverse_transform, transform_points
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim.contact import CONTACT
from scan2sim.sim.model import collision_model
from scan2sim.sim.resting import OVERLAP, collide, place_free

__all__ = ["refitted", "without_bulges"]

ROUNDS = 10  # each cuts every overlapping pair of pieces once
LEFT = 0.5  # share of its volume that a piece keeps, or it is not cut
SPACING = 0.001  # [m] between points of a surface, about
CORNERS = 64  # at most, of a piece that is cut; or as many as it had

Array = NDArray[np.float64]


def without_bulges(scene: Scene) -> Scene:
    """Cut pieces of different objects where they overlap though the objects' surfaces do not.

    A convex piece covers the hollows of what it was cut from, and there may be a neighbour: a lemon beside a cup, or in
    a bowl.  Both pieces are cut by a plane across the deepest contact, between what of both surfaces lies in the other
    piece; so what is left of the overlap is that of the surfaces.  The figures of how well the pieces fit are renewed.

    Raises:
        SceneError: MuJoCo refuses the scene.
    """
    pieces = {obj.name: list(obj.collision) for obj in scene.objects}
    skins = {obj.name: _skin(obj) for obj in scene.objects}
    cut: set[str] = set()
    for _ in range(ROUNDS):
        changed = False
        objects = tuple(replace(obj, collision=tuple(pieces[obj.name])) for obj in scene.objects)
        by_name = {obj.name: obj for obj in objects}
        for (one, i), (other, j), normal, place, depth in _overlaps(replace(scene, objects=objects)):
            a, b = by_name[one], by_name[other]
            level, half = float(place @ normal), depth / 2
            mine, theirs = _within(skins[one], b.collision[j], b), _within(skins[other], a.collision[i], a)
            upper = np.clip((mine @ normal).max(initial=level - half), level - half, level + half)
            lower = np.clip((theirs @ normal).min(initial=level + half), level - half, level + half)
            middle = (upper + lower) / 2
            for obj, k, way, end in ((a, i, normal, max(upper, middle)), (b, j, -normal, -min(lower, middle))):
                shorter = _cut(obj, pieces[obj.name][k], way, end)
                if shorter is not None:
                    pieces[obj.name][k] = shorter
                    cut.add(obj.name)
                    changed = True
        if not changed:
            break
    objects = (refitted(obj, pieces[obj.name]) if obj.name in cut else obj for obj in scene.objects)
    return replace(scene, objects=tuple(objects))


def _overlaps(scene: Scene) -> list[tuple[tuple[str, int], tuple[str, int], Array, Array, float]]:
    """Of each two objects' pieces that overlap: both, the contact's normal from the first to the second, its place and
    depth [m]."""
    model = collision_model(scene, CONTACT)
    data = mujoco.MjData(model)
    place_free(scene, data)
    collide(model, data)
    owners = {f"{obj.name}-collision-{i}": (obj.name, i) for obj in scene.objects for i in range(len(obj.collision))}
    found: dict[tuple[int, int], tuple[float, int]] = {}
    for k, (pair, distance) in enumerate(zip(data.contact.geom.tolist(), data.contact.dist.tolist(), strict=True)):
        if -distance > max(OVERLAP, found.get(tuple(pair), (0.0, 0))[0]):
            found[tuple(pair)] = -distance, k
    overlaps = []
    for pair, (depth, k) in found.items():
        first, second = (owners.get(model.geom(geom).name) for geom in pair)
        if first and second:
            contact = data.contact[k]
            overlaps.append((first, second, np.array(contact.frame[:3]), np.array(contact.pos), depth))
    return overlaps


def _skin(obj: SceneObject) -> Array:  # (N, 3) [m], scene
    """Points of an object's surface."""
    points = np.concatenate([obj.visual.vertices, Surface(obj.visual, SPACING).samples[0]])
    return transform_points(obj.world_from_object, points)


def _within(points: Array, piece: trimesh.Trimesh, owner: SceneObject) -> Array:  # (N, 3) [m], scene
    """Those of the points that lie in an object's convex piece."""
    places = transform_points(inverse_transform(owner.world_from_object), points)
    near = ((places > piece.bounds[0]) & (places < piece.bounds[1])).all(1)
    offsets = (piece.face_normals * piece.triangles[:, 0]).sum(1)
    near[near] = (places[near] @ piece.face_normals.T < offsets).all(1)
    return points[near]


def _cut(obj: SceneObject, piece: trimesh.Trimesh, normal: Array, end: float) -> trimesh.Trimesh | None:
    """What of a piece reaches no farther along ``normal`` than ``end``; None where that is all, or too little."""
    along = transform_points(obj.world_from_object, piece.vertices) @ normal - end
    if along.max() <= OVERLAP / 2:
        return None
    kept = piece.vertices[along <= 0], crossings(piece, along)
    try:
        shorter = bounded_hull(np.concatenate(kept), max(CORNERS, len(piece.vertices)))
    except SceneError:  # nothing is left
        return None
    return shorter if shorter.volume > LEFT * piece.volume else None


def refitted(obj: SceneObject, pieces: list[trimesh.Trimesh]) -> SceneObject:
    """The object with other convex pieces, and the figures of how well these fit its surface."""
    fit = piece_fit(obj.visual, pieces)
    figures = {
        "collision_mm": 1000 * fit.mean,
        "collision_farthest_mm": 1000 * fit.farthest,
        "collision_volume_ratio": fit.volume_ratio,
    }
    return replace(obj, collision=tuple(pieces), figures=obj.figures | figures)
