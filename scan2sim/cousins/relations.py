"""Things are put on or into others, or taken off them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import shapely
from shapely import Polygon

from scan2sim.cousins.affordances import affordances
from scan2sim.cousins.change import Change
from scan2sim.cousins.config import LayoutConfig
from scan2sim.cousins.ground import Ground, corners_of, ground_of, ground_under, groups_of, moved
from scan2sim.cousins.layout import find_place
from scan2sim.geometry import transform
from scan2sim.scene import RestsOn, Scene, SceneObject

__all__ = ["change_relations"]

SHARE = 0.5  # of what carries nothing is moved at amount 1
ROOMY = 0.75  # of a container's half-width that what is put into it may be wide
HELD = 0.7  # of a footprint must lie on what is to carry it
ABOVE = 0.001  # [m] over the highest point of what carries it, where a thing starts to come to rest

Option = tuple[SceneObject | None, Literal["on", "in"]]  # None: the support


def change_relations(
    scene: Scene,
    amount: float,  # 0..1
    rng: np.random.Generator,
    config: LayoutConfig = LayoutConfig(),  # noqa: B008  (frozen)
) -> tuple[Scene, tuple[Change, ...]]:
    """Put some things that carry nothing on the flat top of others or into containers, or take them off.

    ``amount / 2`` of them are moved, at least one, if there is anywhere to go: a top is a support of the scene that
    belongs to an object and holds most of the footprint, a container is what :func:`affordances` says can contain, and
    is wide enough.  They start above it and come to rest with the rest of the cousin; what does not stay there makes
    that cousin invalid.
    """
    carrying = {obj.rests_on.id for obj in scene.objects if obj.rests_on}
    leaves = [obj.id for obj in scene.objects if obj.mobility == "free" and obj.rests_on and obj.id not in carrying]
    left, changes = max(1, round(SHARE * amount * len(leaves))), []
    for id in rng.permutation(leaves):
        thing = next(obj for obj in scene.objects if obj.id == id)
        options = list(_options(thing, scene))
        if not options or not left:
            continue
        host, relation = options[rng.integers(len(options))]
        placed = _put_down(thing, scene, rng, config) if host is None else _put_on(thing, host, scene, relation, rng)
        if placed is None:
            continue
        left -= 1
        scene = replace(scene, objects=tuple(placed if obj.id == id else obj for obj in scene.objects))
        there = "support" if host is None else host.name
        changes.append(Change("layout", "rest", thing.name, {"relation": relation, "on": there}))
    return scene, tuple(changes)


def _options(thing: SceneObject, scene: Scene) -> Iterator[Option]:
    """Where else the thing may rest."""
    now = thing.rests_on.id if thing.rests_on else 0
    if now:
        yield None, "on"
    carried = {obj.rests_on.id for obj in scene.objects if obj.rests_on}
    for group in groups_of(scene):
        host = next(obj for obj in scene.objects if obj.id == group.ids[0])
        if host.id in (thing.id, now) or host.id in carried:
            continue
        if _fits_in(thing, host):
            yield host, "in"
        elif (top := _top(host, scene)) is not None and _held(thing, top):
            yield host, "on"


def _fits_in(thing: SceneObject, host: SceneObject) -> bool:
    width = np.ptp(corners_of(host), axis=0)[:2].min() / 2
    reach = shapely.minimum_bounding_radius(shapely.linestrings(corners_of(thing)[:, :2]))
    return bool(reach < ROOMY * width) and affordances(host).can_contain


def _top(host: SceneObject, scene: Scene) -> Ground | None:
    return next((ground_of(support) for support in scene.supports if support.object == host.id), None)


def _held(thing: SceneObject, top: Ground) -> bool:
    there = _centred(top.footprint(corners_of(thing)), top)
    return there.intersection(top.polygon).area > HELD * there.area


def _centred(outline: Polygon, top: Ground) -> Polygon:
    shift = np.asarray(top.polygon.centroid.coords[0]) - np.asarray(outline.centroid.coords[0])
    return shapely.transform(outline, lambda points: points + shift)


def _put_on(
    thing: SceneObject, host: SceneObject, scene: Scene, relation: Literal["on", "in"], rng: np.random.Generator
) -> SceneObject:
    """The thing over the middle of its new host, turned by chance."""
    top = _top(host, scene)
    ground = ground_under(scene, host)
    assert ground is not None  # the host stands in a group
    walls = ground.flat(corners_of(host))
    middle = (walls[:, :2].min(0) + walls[:, :2].max(0)) / 2
    if relation == "on" and top is not None:
        centre = np.array([*top.polygon.centroid.coords[0], 0.0])
        middle = ground.flat((top.world_from_support[:3, :3] @ centre + top.world_from_support[:3, 3])[None])[0, :2]
    own = ground.flat(corners_of(thing))
    shift = middle - (own[:, :2].min(0) + own[:, :2].max(0)) / 2
    raised = transform(ground.world_from_support[:3, 2] * (walls[:, 2].max() + ABOVE - own[:, 2].min()))
    motion = ground.world_motion(thing.position, shift, float(rng.uniform(-np.pi, np.pi)))
    return replace(moved(thing, raised @ motion), rests_on=RestsOn(host.id, relation))


def _put_down(thing: SceneObject, scene: Scene, rng: np.random.Generator, config: LayoutConfig) -> SceneObject | None:
    """The thing on a free place of the support, as upright as it stood."""
    ground = ground_under(scene, thing)
    if ground is None:
        return None
    start = ground.flat(thing.position[None])[0, :2]
    outline = shapely.transform(ground.footprint(corners_of(thing)), lambda points: points - start)
    others = [ground.footprint(corners_of(obj)) for obj in scene.objects if obj.id != thing.id]
    found = find_place(ground, outline, others, rng, config)
    if found is None:
        return None
    lowest = ground.flat(corners_of(thing))[:, 2].min()
    lowered = transform(ground.world_from_support[:3, 2] * (ABOVE - lowest))
    return replace(
        moved(thing, lowered @ ground.world_motion(thing.position, found[0] - start, found[1])), rests_on=RestsOn(0)
    )
