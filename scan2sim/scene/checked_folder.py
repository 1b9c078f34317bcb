"""The frame in which every scene is saved: nothing is written of one that is not sound, or over another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scan2sim.errors import OutputError
from scan2sim.files import output_errors
from scan2sim.scene.types import Scene
from scan2sim.scene.validate import require_consistent

__all__ = ["checked_folder"]


@contextmanager
def checked_folder(scene: Scene, folder: Path) -> Iterator[None]:
    """Check a scene, and make the empty folder that it is then written to.

    Raises:
        SceneError: the scene is not consistent; nothing is written.
        OutputError: the folder is not empty, or it or something in it cannot be written.
    """
    require_consistent(scene, folder)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError("the folder for the scene is not empty", path=folder, todo="choose a new folder")
        yield
