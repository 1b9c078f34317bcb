"""Draw one cousin of a scene: vary its parts, let it come to rest, check it, measure how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from scan2sim.cousins.affordances import Affordances
from scan2sim.cousins.assets import AssetLibrary
from scan2sim.cousins.change import PARTS, Change
from scan2sim.cousins.config import CousinsConfig, check_config
from scan2sim.cousins.distance import Distance, distance_between
from scan2sim.cousins.ground import carried_support
from scan2sim.cousins.study import Study, study_twin
from scan2sim.cousins.valid import problems
from scan2sim.cousins.vary import Rejected, rejecting, vary_bodies, vary_looks
from scan2sim.errors import SceneError, UsageError
from scan2sim.scene import Scene
from scan2sim.sim import come_to_rest, let_go

__all__ = ["Cousin", "NoCousinError", "sample"]


@dataclass(frozen=True)
class Cousin:
    """A scene like another one, what was changed in it, and how far away that is."""

    scene: Scene
    changes: tuple[Change, ...]
    distance: Distance
    rejected: tuple[str, ...] = ()  # why each earlier try was not handed out, as “kind: what”


class NoCousinError(SceneError):
    """No try gave a valid cousin; ``rejected`` says why of each, as “kind: what”."""

    def __init__(self, rejected: tuple[str, ...]) -> None:
        super().__init__(
            f"no valid cousin in {len(rejected)} tries; the last one: {rejected[-1]}",
            todo="take a smaller distance, vary less, or raise the number of tries",
        )
        self.rejected = rejected


def sample(
    scene: Scene,
    distance: float,  # 0..1
    rng: np.random.Generator,
    config: CousinsConfig = CousinsConfig(),  # noqa: B008  (frozen)
    library: AssetLibrary | None = None,
    study: Study | None = None,
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
        library: where other things are taken from, for ``category`` and ``clutter``.
        study: :func:`scan2sim.cousins.study_twin` of this scene and config, to save the time to do it for each cousin.

    Raises:
        UsageError: the distance is not in 0..1, there is nothing to vary, or no library to take things from.
        SceneError: the scene itself is not valid.
        NoCousinError: no try gave a valid cousin.
    """
    _check(scene, distance, config, library)
    if distance == 0:
        return _twin(scene, config)
    study = study_twin(scene, config) if study is None else study
    rejected: list[str] = []
    for _ in range(config.tries):
        streams = dict(zip(PARTS, np.random.default_rng(rng.integers(2**63)).spawn(len(PARTS)), strict=True))
        try:
            varied, changes = vary_bodies(scene, distance, streams, config, library, study.anatomies)
            resting = _at_rest(varied, scene, config)
        except Rejected as why:
            rejected.append(str(why))
            continue
        shown, looks = vary_looks(resting, distance, streams, config)
        changes += looks
        measured = distance_between(shown, scene, _compared(shown, scene, study, config))
        return Cousin(_explained(shown, scene, distance, measured, changes), changes, measured, tuple(rejected))
    raise NoCousinError(tuple(rejected))


def _at_rest(scene: Scene, twin: Scene, config: CousinsConfig) -> Scene:
    """The scene standing still, and valid."""
    valid = config.valid
    with rejecting("simulation"):
        if scene is twin:  # nothing moved
            rest = let_go(scene, valid.seconds)
        else:
            rest = come_to_rest(scene, valid.seconds, valid.drift, np.radians(valid.turn))
    found = problems(rest.scene, valid, rest)
    if found and scene is twin:
        raise _invalid_twin(found)
    if found:
        raise Rejected("; ".join(found))
    return rest.scene


def _compared(cousin: Scene, twin: Scene, study: Study, config: CousinsConfig) -> dict[int, Affordances]:
    """What the twin's objects can be used for, of those of which that is compared; exchanged ones have other names."""
    names = {obj.id: obj.name for obj in cousin.objects}
    compared = [obj.id for obj in twin.objects if config.affordances or names.get(obj.id) != obj.name]
    return {id: study.affordances[id] for id in compared}


def _explained(cousin: Scene, twin: Scene, slider: float, distance: Distance, changes: tuple[Change, ...]) -> Scene:
    """With the supports of its own objects and all that explains it, without what shows the twin."""
    record = {"slider": slider, "distance": distance.as_json(), "changes": [asdict(change) for change in changes]}
    before = {obj.id: obj for obj in twin.objects}
    after = {obj.id: obj for obj in cousin.objects}
    supports = [
        support if support.object is None else carried_support(support, before[support.object], after[support.object])
        for support in twin.supports
        if support.object is None or before[support.object].name == after[support.object].name
    ]  # what stands for something else has a top of its own, which nobody measured
    return replace(
        cousin,
        supports=tuple(supports),
        images=(),
        points=np.zeros((0, 3)),
        point_colors=np.zeros((0, 3), np.uint8),
        provenance=twin.provenance | {"cousin": record},
    )


def _twin(scene: Scene, config: CousinsConfig) -> Cousin:
    found = problems(scene, config.valid)
    if found:
        raise _invalid_twin(found)
    return Cousin(scene, (), Distance())


def _invalid_twin(found: tuple[str, ...]) -> SceneError:
    return SceneError("the scene itself is not valid: " + "; ".join(found), todo="build it again, or edit it")


def _check(scene: Scene, distance: float, config: CousinsConfig, library: AssetLibrary | None) -> None:
    if not 0 <= distance <= 1:
        raise UsageError(f"distance {distance:g} is not in 0..1", todo="0 is the twin, 1 as far as cousins go")
    if not scene.objects:
        raise UsageError("the scene has no objects, so it has no cousins", todo="build it again with things to move")
    check_config(config)
    free = {obj.id for obj in scene.objects if obj.mobility == "free"}
    if carried := [obj.name for obj in scene.objects if obj.joint is not None and obj.joint.parent in free]:
        raise UsageError(
            f"“{carried[0]}” hangs on a joint of a thing that can move; cousins of such scenes are not possible yet",
            todo="join the two: scan2sim edit --merge",
        )
    needing = [part for part in config.vary if part in ("category", "clutter")]
    if needing and library is None:
        raise UsageError(f"“{needing[0]}” takes things from a library", todo="give one, or leave it out")
