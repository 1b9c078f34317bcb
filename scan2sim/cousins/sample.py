"""Draw one cousin of a scene: vary its parts, let it come to rest, check it, measure how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np

from scan2sim.cousins.appearance import vary_appearance
from scan2sim.cousins.change import PARTS, Change, Part
from scan2sim.cousins.config import CousinsConfig
from scan2sim.cousins.distance import Distance, distance_between
from scan2sim.cousins.ground import carried_support
from scan2sim.cousins.layout import vary_layout
from scan2sim.cousins.light import vary_light
from scan2sim.cousins.physics import vary_physics
from scan2sim.cousins.shape import Anatomy, anatomy_of, vary_shape
from scan2sim.cousins.valid import problems
from scan2sim.errors import SceneError, UsageError
from scan2sim.scene import Scene
from scan2sim.sim import come_to_rest

__all__ = ["Cousin", "anatomies_of", "sample"]


@dataclass(frozen=True)
class Cousin:
    """A scene like another one, what was changed in it, and how far away that is."""

    scene: Scene
    changes: tuple[Change, ...]
    distance: Distance
    rejected: tuple[str, ...] = ()  # why each earlier try was not handed out, as “kind: what”


class _Rejected(Exception):  # noqa: N818 (no error: the next try may do)
    """Why a try gives no valid cousin, as “kind: what”."""


def sample(
    scene: Scene,
    distance: float,  # 0..1
    rng: np.random.Generator,
    config: CousinsConfig = CousinsConfig(),  # noqa: B008  (frozen)
    anatomies: Mapping[int, Anatomy] | None = None,
) -> Cousin:
    """A possible scene as far from the given one as the slider says.

    Each part that varies goes ``distance`` of the way along a random direction whose length is the same each time, so
    the measured distance rises with the slider.  The scene then comes to rest in simulation and is checked
    (:func:`scan2sim.cousins.problems`); one that fails is drawn again.  Appearance and light, which nothing falls over
    for, come last.  At 0 the cousin is the twin itself.  Each part has a random stream of its own: the same seed gives
    the same colours whether or not shapes vary.

    The photos and sparse points of the capture show the twin, so a cousin that differs has none.

    Args:
        scene: the twin.
        distance: 0 is the twin, 1 as far as cousins go.
        rng: the same state gives the same cousin.
        config: what varies, and how much of it at 1.
        anatomies: :func:`anatomies_of` this scene, to save the time to find them again for each cousin.

    Raises:
        UsageError: the distance is not in 0..1, or there is nothing to vary.
        SceneError: the scene itself is not valid, or no try gave a valid cousin; the message says why.
    """
    _check(scene, distance, config)
    if distance == 0:
        return _twin(scene, config)
    if "shape" in config.vary and anatomies is None:
        anatomies = anatomies_of(scene, config)
    rejected: list[str] = []
    for _ in range(config.tries):
        streams = dict(zip(PARTS, np.random.default_rng(rng.integers(2**63)).spawn(len(PARTS)), strict=True))
        try:
            resting, changes = _resting(scene, distance, streams, config, anatomies or {})
        except _Rejected as why:
            rejected.append(str(why))
            continue
        shown, looks = _shown(resting, distance, streams, config)
        return _handed_out(shown, scene, distance, (*changes, *looks), tuple(rejected))
    raise SceneError(
        f"no valid cousin in {config.tries} tries; the last one: {rejected[-1]}",
        todo="take a smaller distance, vary less, or raise the number of tries",
    )


def anatomies_of(scene: Scene, config: CousinsConfig = CousinsConfig()) -> dict[int, Anatomy]:  # noqa: B008  (frozen)
    """What :func:`sample` wants to know of each object whose shape it varies, by id; the same for all cousins."""
    return {obj.id: anatomy_of(obj, config.shape) for obj in scene.objects if obj.joint is None}


def _resting(
    scene: Scene,
    amount: float,
    streams: Mapping[Part, np.random.Generator],
    config: CousinsConfig,
    anatomies: Mapping[int, Anatomy],
) -> tuple[Scene, tuple[Change, ...]]:
    """Another scene that stands still, valid; colours and light are the twin's."""
    twin, changes = scene, []
    if "shape" in config.vary:
        with _rejecting("shape"):
            scene, reshaped = _vary_shapes(scene, amount, streams["shape"], config, anatomies)
        changes += reshaped
    if "layout" in config.vary:
        with _rejecting("layout"):
            scene, moves = vary_layout(scene, amount, streams["layout"], config.layout, twin)
        changes += moves
    if "physics" in config.vary:
        drawn = [vary_physics(obj, amount, streams["physics"]) for obj in scene.objects]
        scene = replace(scene, objects=tuple(obj for obj, _ in drawn))
        changes += [change for _, of_object in drawn for change in of_object]
    with _rejecting("simulation"):
        rest = come_to_rest(scene, config.valid.seconds, config.valid.drift, np.radians(config.valid.turn))
    found = problems(rest.scene, config.valid, rest)
    if found:
        raise _Rejected("; ".join(found))
    return rest.scene, tuple(changes)


@contextmanager
def _rejecting(kind: str) -> Iterator[None]:
    """What is wrong with one try is no reason not to try again."""
    try:
        yield
    except SceneError as problem:
        raise _Rejected(f"{kind}: {problem.problem}") from problem


def _vary_shapes(
    scene: Scene,
    amount: float,
    rng: np.random.Generator,
    config: CousinsConfig,
    anatomies: Mapping[int, Anatomy],
) -> tuple[Scene, list[Change]]:
    objects, changes = [], []
    for obj in scene.objects:
        reshaped = ()
        if obj.joint is None:
            obj, reshaped = vary_shape(obj, amount, rng, config.shape, anatomies.get(obj.id))
        objects.append(obj)
        changes += reshaped
    return replace(scene, objects=tuple(objects)), changes


def _shown(
    scene: Scene, amount: float, streams: dict[Part, np.random.Generator], config: CousinsConfig
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


def _handed_out(
    cousin: Scene, twin: Scene, slider: float, changes: tuple[Change, ...], rejected: tuple[str, ...]
) -> Cousin:
    """With its distance and all that explains it, without what shows the twin."""
    distance = distance_between(cousin, twin)
    record = {"slider": slider, "distance": distance.as_json(), "changes": [asdict(change) for change in changes]}
    scene = replace(
        _with_supports(cousin, twin),
        images=(),
        points=np.zeros((0, 3)),
        point_colors=np.zeros((0, 3), np.uint8),
        provenance=twin.provenance | {"cousin": record},
    )
    return Cousin(scene, changes, distance, rejected)


def _with_supports(cousin: Scene, twin: Scene) -> Scene:
    """Supports that belong to objects go with them."""
    before = {obj.id: obj for obj in twin.objects}
    after = {obj.id: obj for obj in cousin.objects}
    supports = [s if s.object is None else carried_support(s, before[s.object], after[s.object]) for s in twin.supports]
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
