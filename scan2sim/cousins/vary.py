"""All parts of a scene varied by the same amount, each from a random stream of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from scan2sim.cousins.appearance import vary_appearance
from scan2sim.cousins.assets import AssetLibrary, replace_object
from scan2sim.cousins.change import Change, Part
from scan2sim.cousins.clutter import add_clutter
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.layout import vary_layout
from scan2sim.cousins.light import vary_light
from scan2sim.cousins.physics import vary_physics
from scan2sim.cousins.relations import change_relations
from scan2sim.cousins.shape import Anatomy, vary_shape
from scan2sim.errors import SceneError
from scan2sim.scene import Scene

__all__ = ["Rejected", "Streams", "rejecting", "vary_bodies", "vary_looks"]

Streams = Mapping[Part, np.random.Generator]


class Rejected(Exception):  # noqa: N818 (no error: the next try may do)
    """Why a try gives no valid cousin, as “kind: what”."""


@contextmanager
def rejecting(kind: str) -> Iterator[None]:
    """What is wrong with one try is no reason not to try again."""
    try:
        yield
    except SceneError as problem:
        raise Rejected(f"{kind}: {problem.problem}") from problem


def vary_bodies(
    twin: Scene,
    amount: float,  # 0..1
    streams: Streams,
    config: CousinsConfig,
    library: AssetLibrary | None,
    anatomies: Mapping[int, Anatomy],
) -> tuple[Scene, tuple[Change, ...]]:
    """What may fall over: other things, other shapes, other places, other weights, more things.

    Raises:
        Rejected: a part cannot be varied as drawn.
    """
    scene, changes = twin, []
    if "layout" in config.vary and config.layout.change_relations:
        twin, put = change_relations(scene, amount, streams["layout"], config.layout)
        scene = twin
        changes += put
    if "category" in config.vary and library is not None:
        with rejecting("category"):
            scene, exchanged = _exchanged(scene, amount, streams["category"], library)
        changes += exchanged
    if "shape" in config.vary:
        with rejecting("shape"):
            scene, reshaped = _reshaped(scene, twin, amount, streams["shape"], config, anatomies)
        changes += reshaped
    if "layout" in config.vary:
        with rejecting("layout"):
            scene, moves = vary_layout(scene, amount, streams["layout"], config.layout, twin)
        changes += moves
    if "physics" in config.vary:
        drawn = [vary_physics(obj, amount, streams["physics"]) for obj in scene.objects]
        scene = replace(scene, objects=tuple(obj for obj, _ in drawn))
        changes += [change for _, of_object in drawn for change in of_object]
    if "clutter" in config.vary and library is not None:
        with rejecting("clutter"):
            scene, added = add_clutter(scene, amount, streams["clutter"], library, config.clutter, config.layout)
        changes += added
    return scene, tuple(changes)


def vary_looks(
    scene: Scene,
    amount: float,  # 0..1
    streams: Streams,
    config: CousinsConfig,
) -> tuple[Scene, tuple[Change, ...]]:
    """What nothing falls over for: colours and light."""
    changes: list[Change] = []
    if "appearance" in config.vary:
        scene, colors = vary_appearance(scene, amount, streams["appearance"], config.appearance)
        changes += colors
    if "light" in config.vary:
        scene, relit = vary_light(scene, amount, streams["light"], config.light)
        changes += relit
    return scene, tuple(changes)


def _exchanged(
    scene: Scene, amount: float, rng: np.random.Generator, library: AssetLibrary
) -> tuple[Scene, list[Change]]:
    """The share ``amount`` of the free objects that carry nothing, at least one, replaced by assets."""
    carrying = {obj.rests_on.id for obj in scene.objects if obj.rests_on}
    alone = [obj.id for obj in scene.objects if obj.mobility == "free" and obj.id not in carrying]
    count = max(1, round(amount * len(alone))) if alone else 0
    chosen = {int(id) for id in rng.permutation(alone)[:count]}
    objects, changes = [], []
    for obj in scene.objects:
        if obj.id in chosen:
            obj, exchanged = replace_object(obj, library, amount, rng)
            changes += exchanged
        objects.append(obj)
    return replace(scene, objects=tuple(objects)), changes


def _reshaped(
    scene: Scene,
    twin: Scene,
    amount: float,
    rng: np.random.Generator,
    config: CousinsConfig,
    anatomies: Mapping[int, Anatomy],
) -> tuple[Scene, list[Change]]:
    """Every object of the twin in another shape that can have one, but what was exchanged."""
    objects, changes = [], []
    for obj, before in zip(scene.objects, twin.objects, strict=True):
        if obj is before and obj.id in anatomies:
            obj, reshaped = vary_shape(obj, amount, rng, config.shape, anatomies[obj.id])
            changes += reshaped
        objects.append(obj)
    return replace(scene, objects=tuple(objects)), changes
