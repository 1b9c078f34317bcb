"""Corrections by a person: kept in the build beside the scene, replayed when the scene is made again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from scan2sim.errors import SceneError
from scan2sim.files import new_folder, read_json
from scan2sim.lock import folder_lock
from scan2sim.pipeline.stage import RECORD_FILE
from scan2sim.scene import Scene, append_corrections, load_scene, save_scene

__all__ = ["CORRECTIONS_FILE", "build_of_scene", "correct_scene", "read_corrections"]

CORRECTIONS_FILE = "corrections.json"
SCENE_FOLDER = "scene"
SCENE_PARTS = {"scene.json", "cameras.json", "points.ply", "corrections.json", "background", "objects", "images"}
OUTDATED = {"report.html"}  # says what the scene was before


def read_corrections(build: Path) -> list[dict[str, Any]]:
    """The corrections of a build in the order they were made; none if there are none.

    Raises:
        SceneError: the file is damaged.
    """
    path = build / CORRECTIONS_FILE
    entries = read_json(path, SceneError) if path.exists() else []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SceneError("not a list of corrections", path=path, todo="mend it or remove it")
    return entries


def build_of_scene(scene_folder: Path) -> Path | None:
    """The build that a scene folder is the product of; None if it stands alone."""
    folder = scene_folder.resolve()
    is_product = folder.name == SCENE_FOLDER and any(folder.parent.glob(f"[0-9][0-9]-*/{RECORD_FILE}"))
    return folder.parent if is_product else None


def correct_scene(scene_folder: Path, correct: Callable[[Scene], Scene]) -> Scene:
    """Replace a finished scene by a corrected one, at once and wholly.

    Args:
        scene_folder: the scene, in a build or anywhere.
        correct: gives the corrected scene, with its corrections noted in it.

    Raises:
        SceneError: the scene is damaged, or its build holds corrections that have not been replayed yet.
        OutputError: it cannot be written, or a build is running.
    """
    scene_folder = scene_folder.resolve()
    build = build_of_scene(scene_folder)
    with folder_lock(build) if build else nullcontext():
        scene = load_scene(scene_folder)
        before = read_corrections(build) if build else []
        if build and before != list(scene.corrections):
            raise SceneError(
                f"{CORRECTIONS_FILE} of the build does not say what was done to the scene",
                path=build / CORRECTIONS_FILE,
                todo="run scan2sim build again, it replays the corrections; then repeat this command",
            )
        corrected = correct(scene)
        with new_folder(scene_folder) as fresh:
            save_scene(corrected, fresh)
            _carry_over(scene_folder, fresh)
            if build:  # noted first: killed before the swap, the next build replays it
                append_corrections(build, corrected.corrections[len(scene.corrections) :])
        return corrected


def _carry_over(old: Path, fresh: Path) -> None:
    """Keep what a person has put into the scene folder beside the scene's own files."""
    for entry in old.iterdir():
        if entry.name not in SCENE_PARTS | OUTDATED:
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, fresh / entry.name, symlinks=True)
            else:
                shutil.copy2(entry, fresh / entry.name, follow_symlinks=False)
