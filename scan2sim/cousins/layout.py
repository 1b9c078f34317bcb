"""Things stand elsewhere: what stands on or in another moves with it, and nothing comes too near to anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely import Polygon

from scan2sim.cousins.change import Change
from scan2sim.cousins.config import LayoutConfig
from scan2sim.cousins.ground import Array, Ground, corners_of, groups_of, moved
from scan2sim.errors import SceneError
from scan2sim.scene import Scene, SceneObject

__all__ = ["find_place", "vary_layout"]

THROWS = 1000  # at the box round a support until one hits it


def vary_layout(
    scene: Scene,
    amount: float,  # 0..1
    rng: np.random.Generator,
    config: LayoutConfig = LayoutConfig(),  # noqa: B008  (frozen)
    twin: Scene | None = None,
) -> tuple[Scene, tuple[Change, ...]]:
    """Move each group of things over its support and turn it about the support's normal.

    For each group a target is drawn anywhere on its support, and the group goes ``amount`` of the way there.  What has
    a far target turns little and the other way round: with f the way to the target over the way to the farthest place,
    the turn is ``amount · (1 - f) · 180°``, left or right.  So every layout is as far from the twin as asked
    (:mod:`scan2sim.cousins.distance` adds both shares), while at 1 a thing may stand anywhere.

    Footprints are convex outlines.  They stay ``config.gap`` apart, or as near as in the twin, and over the support, or
    reach beyond it as far as in the twin.  The twin is the scene itself unless shapes in it have changed already.

    Raises:
        SceneError: a support has no free place left, or there is none to move on.
    """
    groups = groups_of(scene)
    if not groups:
        raise SceneError("nothing stands free on a support, so the layout cannot vary", todo="leave out “layout”")
    by_id = {obj.id: obj for obj in scene.objects}
    before = {obj.id: obj for obj in (twin or scene).objects}
    grouped = {id for group in groups for id in group.ids}
    settled: list[tuple[SceneObject, ...]] = [(obj,) for obj in scene.objects if obj.id not in grouped]
    changes = []
    for index in rng.permutation(len(groups)):
        ground, things = groups[index].ground, tuple(by_id[id] for id in groups[index].ids)
        own = _outline(ground, _same(things, before))
        others = [(_outline(ground, placed), _outline(ground, _same(placed, before))) for placed in settled]
        shift, yaw = _place(ground, things, own, others, amount, rng, config)
        motion = ground.world_motion(things[0].position, shift, yaw)
        settled.append(tuple(moved(thing, motion) for thing in things))
        values: dict[str, float | str | list[float]] = {"shift_m": shift.tolist(), "yaw_rad": yaw}
        changes.append(Change("layout", "move", things[0].name, values))
    placed = {thing.id: thing for things in settled for thing in things}
    return replace(scene, objects=tuple(placed[obj.id] for obj in scene.objects)), tuple(changes)


def find_place(
    ground: Ground,
    footprint: Polygon,  # about the origin
    others: Sequence[Polygon],
    rng: np.random.Generator,
    config: LayoutConfig = LayoutConfig(),  # noqa: B008  (frozen)
) -> tuple[Array, float] | None:  # (2,) [m], [rad]
    """A free place anywhere on a support and a heading, or None if none was found."""
    crowd = shapely.union_all(list(others)) if others else None
    for _ in range(config.places):
        place, yaw = _target(ground, rng), float(rng.uniform(-np.pi, np.pi))
        there = _carried(footprint, np.zeros(2), place, yaw)
        if ground.polygon.contains(there) and (crowd is None or there.distance(crowd) >= config.gap):
            return place, yaw
    return None


def _place(
    ground: Ground,
    things: Sequence[SceneObject],
    before: Polygon,  # outline of the things in the twin
    others: Sequence[tuple[Polygon, Polygon]],  # of what is placed: now, and in the twin
    amount: float,
    rng: np.random.Generator,
    config: LayoutConfig,
) -> tuple[Array, float]:  # shift (2,) [m], yaw [rad]
    start, reach = ground.flat(things[0].position[None])[0, :2], ground.reach(things[0].position)
    outline = _outline(ground, things)
    beyond = before.difference(ground.polygon).area + 1e-9
    allowed = [(now, min(config.gap, before.distance(then)), before.intersection(then).area) for now, then in others]
    for _ in range(config.places):
        way = _target(ground, rng) - start
        far = float(np.linalg.norm(way)) / reach
        shift, yaw = amount * way, amount * (1 - far) * np.pi * float(rng.choice((-1.0, 1.0)))
        there = _carried(outline, start, shift, yaw)
        if there.difference(ground.polygon).area > beyond:
            continue
        if all(there.distance(now) >= gap and there.intersection(now).area <= shared for now, gap, shared in allowed):
            return shift, yaw
    raise SceneError(
        f"the support “{ground.name}” is full: no free place for “{things[0].name}” in {config.places} tries",
        todo="take fewer or smaller things, or a smaller distance",
    )


def _target(ground: Ground, rng: np.random.Generator) -> Array:  # (2,) [m]
    """A place anywhere on the support; always the same one on a support too thin to be hit."""
    left, front, right, back = ground.polygon.bounds
    for _ in range(THROWS):
        place = rng.uniform([left, front], [right, back])
        if shapely.contains_xy(ground.polygon, *place):
            return place
    return np.asarray(ground.polygon.representative_point().coords[0])


def _carried(outline: Polygon, about: Array, shift: Array, yaw: float) -> Polygon:
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    return shapely.transform(outline, lambda points: (points - about) @ turn.T + about + shift)


def _outline(ground: Ground, things: Sequence[SceneObject]) -> Polygon:
    return ground.footprint(corners_of(*things))


def _same(things: Sequence[SceneObject], scene: Mapping[int, SceneObject]) -> tuple[SceneObject, ...]:
    """The objects with the same ids."""
    return tuple(scene[thing.id] for thing in things)
