"""May this cousin be handed out?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from scan2sim.cousins.config import ValidConfig
from scan2sim.cousins.ground import corners_of, ground_under
from scan2sim.geometry import transform_points
from scan2sim.scene import Scene, SceneObject, validate_scene
from scan2sim.sim import Rest, Touch, let_go

__all__ = ["problems"]

BELOW = 0.002  # [m] under its support that nothing may reach
CARRIES = 0.3  # vertical part of the normal of a contact that carries; less is leaning


def problems(
    scene: Scene,
    config: ValidConfig = ValidConfig(),  # noqa: B008  (frozen)
    rest: Rest | None = None,
) -> tuple[str, ...]:
    """Everything that is wrong with a cousin, each as “kind: what”; empty if it may be handed out.

    * ``inconsistent``: :func:`scan2sim.scene.validate_scene` says so; meshes that are not closed among it;
    * ``unsettled``: an object drifts or turns farther than allowed when the scene is let go;
    * ``overlap``: a contact is deeper than allowed;
    * ``support``: an object does not touch what it rests on, its middle is not over it, or it is below it.

    ``rest`` is how the scene stands, if that is known; else it is let go for ``config.seconds``.
    """
    inconsistent = validate_scene(scene)
    if inconsistent:
        return tuple(f"inconsistent: {problem}" for problem in inconsistent)
    rest = let_go(scene, config.seconds) if rest is None else rest
    return tuple(_unsettled(rest, config)) + tuple(_overlaps(scene, rest, config)) + tuple(_unsupported(scene, rest))


def _unsettled(rest: Rest, config: ValidConfig) -> Iterator[str]:
    for name, drift in rest.drift.items():
        turn = np.degrees(rest.turn[name])
        if not (drift <= config.drift and turn <= config.turn):
            yield f"unsettled: “{name}” moves {1000 * drift:.1f} mm and turns {turn:.1f}° in {rest.seconds:g} s"


def _overlaps(scene: Scene, rest: Rest, config: ValidConfig) -> Iterator[str]:
    names = {obj.id: f"“{obj.name}”" for obj in scene.objects} | {0: "the background"}
    deepest: dict[tuple[int, int], float] = {}
    for touch in rest.touches:
        pair = (min(touch.lower, touch.upper), max(touch.lower, touch.upper))
        deepest[pair] = max(deepest.get(pair, 0.0), touch.depth)
    for (a, b), depth in deepest.items():
        if depth > config.penetration:
            yield f"overlap: {names[a]} and {names[b]} by {1000 * depth:.2f} mm"


def _unsupported(scene: Scene, rest: Rest) -> Iterator[str]:
    by_id = {obj.id: obj for obj in scene.objects}
    for obj in scene.objects:
        if obj.mobility != "free" or obj.rests_on is None:
            continue
        carrier = by_id.get(obj.rests_on.id)
        touching = [t for t in rest.touches if {t.lower, t.upper} == {obj.id, obj.rests_on.id}]
        if not _carried(obj, touching):
            yield f"support: “{obj.name}” does not stand {obj.rests_on.relation} {_named(carrier)}"
        elif carrier is not None and obj.rests_on.relation == "in" and not _within(obj, carrier):
            yield f"support: “{obj.name}” is not in {_named(carrier)}"
        ground = ground_under(scene, obj)
        if ground is not None:
            middle = ground.flat(_middle(obj))[0]
            if not shapely.contains_xy(ground.polygon, middle[0], middle[1]):
                yield f"support: “{obj.name}” stands beside “{ground.name}”"
            elif ground.flat(corners_of(obj))[:, 2].min() < -BELOW:
                yield f"support: “{obj.name}” reaches below “{ground.name}”"


def _carried(obj: SceneObject, touching: list[Touch]) -> bool:
    """What leans only touches; what stands on or in something is carried by it."""
    if obj.rests_on is not None and obj.rests_on.relation == "against":
        return bool(touching)
    return any(touch.upper == obj.id and touch.upright > CARRIES for touch in touching)


def _within(obj: SceneObject, container: SceneObject) -> bool:
    """Whether the middle is inside the container's convex outline, seen from above, and below its rim."""
    walls, middle = corners_of(container), _middle(obj)[0]
    outline = shapely.convex_hull(shapely.linestrings(walls[:, :2]))
    lowest = corners_of(obj)[:, 2].min()
    return bool(shapely.contains_xy(outline, middle[0], middle[1])) and bool(lowest < walls[:, 2].max())


def _middle(obj: SceneObject) -> np.ndarray:  # (1, 3) [m] centre of mass in the scene
    return transform_points(obj.world_from_object, obj.physical.center_of_mass[None])


def _named(carrier: SceneObject | None) -> str:
    return "the support" if carrier is None else f"“{carrier.name}”"
