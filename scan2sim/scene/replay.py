"""Corrections that a person made, done again on a scene that was built anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scan2sim.errors import SceneError, UsageError
from scan2sim.files import read_json, write_json
from scan2sim.scene.correct import scale_scene
from scan2sim.scene.edit import delete_object, rename_object, set_material, set_measured
from scan2sim.scene.place import carry_from, find_place
from scan2sim.scene.regroup import merge_objects, split_object
from scan2sim.scene.types import Scene, SceneObject

__all__ = ["Replay", "append_corrections", "apply_corrections"]

Entry = dict[str, Any]


@dataclass(frozen=True)
class Replay:
    """A scene with its corrections done again, as far as that was possible."""

    scene: Scene
    lost: tuple[str, ...] = ()  # in words, what could not be done again and why


def apply_corrections(scene: Scene, corrections: Iterable[Entry]) -> Replay:
    """Replay corrections in their order, as is done whenever a scene was built again.

    An object is the one with the id that the corrected one had; for entries without an id, the nearest of those whose
    boxes hold the place where it stood.  Places and lengths are carried from the frame in which the correction was made
    into the scene's by the cameras of photos that both have.  What cannot be done again, because the object is gone or
    a place in other photos is not known, is left out and told.  All entries are kept in the scene, word for word.

    Raises:
        SceneError: a correction is of an unknown kind or not complete.
    """
    lost = []
    for entry in corrections:
        redo = _REPLAY.get(str(entry.get("kind")))
        if redo is None:
            raise SceneError(f"unknown correction {entry.get('kind')!r}", todo="remove it from corrections.json")
        before = scene.corrections
        try:
            scene = redo(scene, entry)
        except UsageError as problem:
            lost.append(f"{_told(entry)}: {problem.problem}")
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise SceneError(f"a correction of kind {entry['kind']} is not complete ({problem})") from None
        scene = replace(scene, corrections=(*before, entry))
    return Replay(scene, tuple(lost))


def _told(entry: Entry) -> str:
    """A correction in a few words, as it was made."""
    places = entry.get("objects", [entry["object"]] if "object" in entry else [])
    return " ".join([str(entry["kind"]), *(f"“{place.get('name')}”" for place in places)])


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
    sigma, larger = float(entry.get("relative_sigma", 0.01)), carry_from(scene, entry).scale
    return scale_scene(scene, float(entry["factor"]) / larger, str(entry.get("source", "factor")), sigma)


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
    points = carry_from(scene, entry).points(entry["at"])
    return split_object(scene, _object_at(scene, entry["object"]).name, points, ids=entry.get("ids", ()))


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
    """The object that a note of it means."""
    thing = find_place(scene, place)
    if thing is None:
        raise UsageError(f"“{place.get('name')}” is not there any more")
    return thing
