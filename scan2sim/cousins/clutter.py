"""Things that the twin does not have, on the same support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from shapely import Polygon

from scan2sim.cousins.assets import AssetLibrary
from scan2sim.cousins.change import Change
from scan2sim.cousins.config import ClutterConfig, LayoutConfig
from scan2sim.cousins.ground import Ground, corners_of, largest_ground, moved
from scan2sim.cousins.layout import find_place
from scan2sim.errors import SceneError
from scan2sim.geometry import transform
from scan2sim.scene import RestsOn, Scene, SceneObject

__all__ = ["add_clutter"]


def add_clutter(
    scene: Scene,
    amount: float,  # 0..1
    rng: np.random.Generator,
    library: AssetLibrary,
    config: ClutterConfig = ClutterConfig(),  # noqa: B008  (frozen)
    layout: LayoutConfig = LayoutConfig(),  # noqa: B008  (frozen)
) -> tuple[Scene, tuple[Change, ...]]:
    """Put ``amount · config.most`` things of a library, at least one, anywhere free on the largest support.

    Raises:
        SceneError: the support has no free place left, or there is none.
    """
    ground = largest_ground(scene)
    if ground is None:
        raise SceneError("there is no support to put clutter on", todo="leave out “clutter”")
    middle = float(np.median([obj.visual.extents.max() for obj in scene.objects]))
    sizes = (config.smallest * middle, config.largest * middle)
    outlines = [ground.footprint(corners_of(obj)) for obj in scene.objects]
    objects, changes = list(scene.objects), []
    for _ in range(max(1, round(amount * config.most))):
        thing = _named(library.draw_clutter(sizes, rng), objects)
        placed = _placed(thing, ground, outlines, rng, layout)
        outlines.append(ground.footprint(corners_of(placed)))
        objects.append(placed)
        values: dict[str, float | str | list[float]] = {
            "label": thing.label.text,
            "size_m": float(thing.visual.extents.max()),
            "position": placed.position.tolist(),
        }
        changes.append(Change("clutter", "add", thing.name, values))
    return replace(scene, objects=tuple(objects)), tuple(changes)


def _named(thing: SceneObject, others: Sequence[SceneObject]) -> SceneObject:
    """With an id and a name that nothing else has."""
    id = max(other.id for other in others) + 1
    return replace(thing, id=id, name=f"clutter-{id}", mobility="free", joint=None, rests_on=RestsOn(0))


def _placed(
    thing: SceneObject,
    ground: Ground,
    outlines: Sequence[Polygon],
    rng: np.random.Generator,
    layout: LayoutConfig,
) -> SceneObject:
    """The thing, which stands upright over the origin on z = 0, on a free place of the support."""
    upright = moved(thing, ground.world_from_support)
    found = find_place(ground, ground.footprint(corners_of(upright)), outlines, rng, layout)
    if found is None:
        raise SceneError(f"the support “{ground.name}” is full: no free place for one thing more", todo="add fewer")
    place, yaw = found
    turn = transform([*place, 0.0], (np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)))
    return moved(thing, ground.world_from_support @ turn)
