"""Corrections that a person made, done again on a scene that was built anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.errors import SceneError
from scan2sim.files import read_json, write_json
from scan2sim.scene.correct import scale_scene
from scan2sim.scene.edit import delete_object, rename_object, set_material, set_measured
from scan2sim.scene.regroup import merge_objects, split_object
from scan2sim.scene.types import Scene, SceneObject

__all__ = ["append_corrections", "apply_corrections"]

Entry = dict[str, Any]


def apply_corrections(scene: Scene, corrections: Iterable[Entry]) -> Scene:
    """Replay corrections in their order, as the objects stage does after it has run again.

    An object is the one that stands where the corrected one stood: its box holds that place, the nearest first.

    Raises:
        SceneError: a correction is of an unknown kind or not complete, or no object stands where it was made.
        UsageError: a correction holds an impossible value.
    """
    for entry in corrections:
        replay = _REPLAY.get(str(entry.get("kind")))
        if replay is None:
            raise SceneError(f"unknown correction {entry.get('kind')!r}", todo="remove it from corrections.json")
        try:
            scene = replay(scene, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise SceneError(f"a correction of kind {entry['kind']} is not complete ({problem})") from None
    return scene


def append_corrections(build_folder: Path, corrections: Sequence[Entry]) -> None:
    """Add corrections to ``corrections.json`` of a build; the file is whole at every moment.

    Raises:
        SceneError: the file that is there is damaged.
        OutputError: it cannot be written.
    """
    path = build_folder / "corrections.json"
    entries = read_json(path, SceneError) if path.exists() else []
    if not isinstance(entries, list):
        raise SceneError("not a list of corrections", path=path)
    write_json(path, [*entries, *corrections])


def _scale(scene: Scene, entry: Entry) -> Scene:
    sigma = float(entry.get("relative_sigma", 0.01))
    return scale_scene(scene, float(entry["factor"]), str(entry.get("source", "factor")), sigma)


def _rename(scene: Scene, entry: Entry) -> Scene:
    thing, new = _object_at(scene, entry["object"]), str(entry["to"])
    return scene if thing.name == new else rename_object(scene, thing.name, new)


def _delete(scene: Scene, entry: Entry) -> Scene:
    return delete_object(scene, _object_at(scene, entry["object"]).name)


def _measured(scene: Scene, entry: Entry) -> Scene:
    values = {str(key): float(value) for key, value in entry["measured"].items()}
    return set_measured(scene, _object_at(scene, entry["object"]).name, values, float(entry["relative_sigma"]))


def _material(scene: Scene, entry: Entry) -> Scene:
    return set_material(scene, _object_at(scene, entry["object"]).name, str(entry["material"]))


def _merge(scene: Scene, entry: Entry) -> Scene:
    return merge_objects(scene, [_object_at(scene, place).name for place in entry["objects"]])


def _split(scene: Scene, entry: Entry) -> Scene:
    return split_object(scene, _object_at(scene, entry["object"]).name, entry["at"])


_REPLAY: dict[str, Callable[[Scene, Entry], Scene]] = {
    "scale": _scale,
    "rename": _rename,
    "delete": _delete,
    "physics": _measured,
    "material": _material,
    "merge": _merge,
    "split": _split,
}


def _object_at(scene: Scene, place: Entry) -> SceneObject:
    """The object that stands where another one stood before the rebuild."""
    position = np.array(place["position"], dtype=np.float64).reshape(3)
    holding = [thing for thing in scene.objects if _holds(thing, position)]
    if not holding:
        raise SceneError(
            f"no object stands where “{place.get('name')}” stood when it was corrected",
            todo="remove that entry from corrections.json, and correct the scene again",
        )
    return min(holding, key=lambda thing: float(np.linalg.norm(thing.position - position)))


def _holds(thing: SceneObject, position: np.ndarray) -> bool:
    low, high = thing.visual.bounds + thing.position
    return bool((position >= low).all() and (position <= high).all())
