"""A folder of cousins read again, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scan2sim.cousins.many.folder import FORMAT, INDEX_FILE, VERSION, cousin_name
from scan2sim.cousins.many.plan import digest_of
from scan2sim.errors import SceneError
from scan2sim.files import read_json
from scan2sim.scene import Scene, load_scene, open_saved

__all__ = ["open_cousins"]


def open_cousins(folder: Path, twin: Path) -> Iterator[tuple[str, Scene]]:
    """The cousins in a folder by their names, ``0000`` and so on; each is read when it is asked for.

    Args:
        folder: what ``scan2sim cousins`` wrote.
        twin: the scene folder that they are cousins of.

    Raises:
        SceneError: the folder holds no cousins or those of another scene; or, when it is its turn, one is damaged.
    """
    path = folder / INDEX_FILE
    if not path.is_file():
        raise SceneError("no folder of cousins", path=folder, todo="make them with scan2sim cousins")
    told = read_json(path, SceneError)
    try:
        if (told["format"], told["version"]) != (FORMAT, VERSION):
            raise SceneError(f"no list of cousins that this program reads, version {VERSION}", path=path)
        of, names = told["plan"]["twin"], [cousin_name(int(entry["index"])) for entry in told["cousins"]]
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise SceneError(f"not a list of cousins ({problem!r})", path=path) from None
    if of != digest_of(open_saved(twin)):
        raise SceneError(
            "these are cousins of another scene, or the scene was changed since", path=folder, todo="make them again"
        )
    if not names:
        raise SceneError("there are no cousins in it", path=folder, todo="make some with scan2sim cousins")
    return ((name, load_scene(folder / name)) for name in names)
