"""Draw one cousin of a scene: vary its parts, let it come to rest, check it, measure how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from scan2sim.cousins.change import PARTS, Change, Part
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.distance import Distance, distance_between
from scan2sim.cousins.ground import moved
from scan2sim.cousins.layout import vary_layout
from scan2sim.cousins.physics import vary_physics
from scan2sim.cousins.valid import problems
from scan2sim.errors import SceneError, UsageError
from scan2sim.geometry import inverse_transform
from scan2sim.scene import Scene
from scan2sim.sim import come_to_rest

__all__ = ["Cousin", "sample"]


@dataclass(frozen=True)
class Cousin:
    """A scene like another one, what was changed in it, and how far away that is."""

    scene: Scene
    changes: tuple[Change, ...]
    distance: Distance
    rejected: tuple[str, ...] = ()  # why each earlier try was not handed out, as “kind: what”


def sample(
    scene: Scene,
    distance: float,  # 0..1
    rng: np.random.Generator,
    config: CousinsConfig = CousinsConfig(),
) -> Cousin:
    """A possible scene as far from the given one as the slider says.

    Each part that varies goes ``distance`` of the way along a random direction whose length is the same each time, so
    the measured distance rises with the slider.  The scene then comes to rest in simulation and is checked
    (:func:`scan2sim.cousins.problems`); one that fails is drawn again.  Appearance and light, which nothing falls over
    for, come last.  At 0 the cousin is the twin itself.  Each part has a random stream of its own: the same seed gives
    the same layout whether or not shapes vary.

    The photos and sparse points of the capture show the twin, so a cousin that differs has none.

    Raises:
        UsageError: the distance is not in 0..1, or there is nothing to vary.
        SceneError: the scene itself is not valid, or no try gave a valid cousin; the message says why.
    """
    _check(scene, distance, config)
    if distance == 0:
        return _twin(scene, config)
    rejected: list[str] = []
    for _ in range(config.tries):
        streams = dict(zip(PARTS, np.random.default_rng(rng.integers(2**63)).spawn(len(PARTS)), strict=True))
        try:
            varied, changes = _varied(scene, distance, streams, config)
            rest = come_to_rest(varied, config.valid.seconds, config.valid.drift, np.radians(config.valid.turn))
        except SceneError as problem:
            rejected.append(f"room: {problem.problem}")
            continue
        found = problems(rest.scene, config.valid, rest)
        if found:
            rejected.append("; ".join(found))
            continue
        resting = _with_supports(rest.scene, scene)
        measured = distance_between(resting, scene)
        record = {"slider": distance, "distance": measured.as_json(), "changes": [asdict(c) for c in changes]}
        resting = replace(
            resting,
            images=(),
            points=np.zeros((0, 3)),
            point_colors=np.zeros((0, 3), np.uint8),
            provenance=scene.provenance | {"cousin": record},
        )
        return Cousin(resting, changes, measured, tuple(rejected))
    raise SceneError(
        f"no valid cousin in {config.tries} tries; the last one: {rejected[-1]}",
        todo="take a smaller distance, vary less, or raise the number of tries",
    )


def _varied(
    scene: Scene, amount: float, streams: dict[Part, np.random.Generator], config: CousinsConfig
) -> tuple[Scene, tuple[Change, ...]]:
    """What may fall over: shapes, places, weights."""
    changes: list[Change] = []
    if "layout" in config.vary:
        scene, moves = vary_layout(scene, amount, streams["layout"], config.layout)
        changes += moves
    if "physics" in config.vary:
        drawn = [vary_physics(obj, amount, streams["physics"]) for obj in scene.objects]
        scene = replace(scene, objects=tuple(obj for obj, _ in drawn))
        changes += [change for _, of_object in drawn for change in of_object]
    return scene, tuple(changes)


def _with_supports(cousin: Scene, twin: Scene) -> Scene:
    """Supports that belong to objects move with them."""
    before = {obj.id: obj for obj in twin.objects}
    after = {obj.id: obj for obj in cousin.objects}
    supports = []
    for support in twin.supports:
        if support.object is not None:
            motion = after[support.object].world_from_object @ inverse_transform(
                before[support.object].world_from_object
            )
            pose = moved(replace(after[support.object], position=support.position, wxyz=support.wxyz), motion)
            support = replace(support, position=pose.position, wxyz=pose.wxyz)
        supports.append(support)
    return replace(cousin, supports=tuple(supports))


def _twin(scene: Scene, config: CousinsConfig) -> Cousin:
    found = problems(scene, config.valid)
    if found:
        raise SceneError("the scene itself is not valid: " + "; ".join(found), todo="build it again, or edit it")
    return Cousin(scene, (), Distance())


def _check(scene: Scene, distance: float, config: CousinsConfig) -> None:
    if not 0 <= distance <= 1:
        raise UsageError(f"distance {distance:g} is not in 0..1", todo="0 is the twin, 1 as far as cousins go")
    if not scene.objects:
        raise UsageError("the scene has no objects, so it has no cousins", todo="build it again with things to move")
    if not config.vary:
        raise UsageError("nothing to vary", todo="choose from: " + ", ".join(PARTS))
