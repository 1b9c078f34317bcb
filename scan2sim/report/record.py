"""A build folder as the report sees it: read leniently, because a report of a half-finished build is useful too."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scan2sim.errors import SceneError
from scan2sim.files import read_json
from scan2sim.scene import Scene, load_scene

__all__ = ["BuildRecord", "HeldOut", "Stage", "inside", "read_build", "stage_folders"]

_STAGE_FOLDER = re.compile(r"\d\d-[\w.-]+")


@dataclass(frozen=True)
class Stage:
    """What one stage left in its ``stage.json``."""

    name: str
    seconds: float | None = None
    peak_memory_mib: float | None = None
    finished: str = ""  # local time, ISO 8601
    figures: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    seed: Any = None


@dataclass(frozen=True)
class HeldOut:
    """A photo that the splats never saw beside their rendering of it."""

    name: str
    photo: Path
    render: Path
    psnr: float | None  # [dB]
    ssim: float | None


@dataclass(frozen=True)
class BuildRecord:
    """Everything that the report knows about a build or a scene."""

    name: str
    folder: Path  # what was asked for: a build or a scene folder
    scene_folder: Path | None
    scene: Scene | None
    scene_problem: str  # why there is no scene, empty if there is one
    stages: tuple[Stage, ...]
    held_out: tuple[HeldOut, ...]
    dropped: tuple[tuple[str, str], ...]  # (file, reason) of what the capture left out
    marked: tuple[tuple[str, str], ...]  # (photo, remark) of what it kept with a remark
    unregistered: tuple[str, ...]  # photos without a pose

    @property
    def figures(self) -> dict[str, Any]:
        """Figures of all stages; those of the scene count most, because corrections update them."""
        merged: dict[str, Any] = {}
        for stage in self.stages:
            merged |= stage.figures
        return merged | (self.scene.quality if self.scene else {})

    def number(self, name: str) -> float | None:
        """The figure ``name`` as a finite number, None if it was not measured."""
        return _number(self.figures.get(name))


def read_build(folder: Path) -> BuildRecord:
    """Read a build folder, or a scene folder on its own.

    Raises:
        SceneError: it is neither, or its scene is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SceneError(
            "no such folder", path=folder, todo="name a build folder, or a scene folder that holds scene.json"
        )
    name = folder.resolve().name
    if (folder / "scene.json").is_file():
        return BuildRecord(name, folder, folder, load_scene(folder), "", (), (), (), (), ())
    stages = tuple(_stage(path) for path in stage_folders(folder))
    scene_folder = folder / "scene"
    if not stages and not (scene_folder / "scene.json").is_file():
        raise SceneError(
            "neither a build (NN-name/ folders) nor a scene (scene.json)", path=folder, todo="run scan2sim build first"
        )
    scene, problem = None, "the build has not written a scene yet"
    if (scene_folder / "scene.json").is_file():
        scene, problem = load_scene(scene_folder), ""
    return BuildRecord(
        name=name,
        folder=folder,
        scene_folder=scene_folder if scene else None,
        scene=scene,
        scene_problem=problem,
        stages=stages,
        held_out=_held_out(folder / "03-splats" / "held-out"),
        dropped=_remarks(folder / "01-capture" / "capture.json", "dropped", "reason"),
        marked=_remarks(folder / "01-capture" / "capture.json", "frames", "flags"),
        unregistered=_unregistered(folder / "02-poses"),
    )


def stage_folders(build: Path) -> list[Path]:
    """The ``NN-name`` folders of a build, in order."""
    return sorted(path for path in build.iterdir() if path.is_dir() and _STAGE_FOLDER.fullmatch(path.name))


def inside(folder: Path, name: Any) -> Path | None:
    """The regular file ``name`` inside ``folder``; None for anything that is no file or leads out of it."""
    if not isinstance(name, str) or not name or "\0" in name:
        return None
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _stage(folder: Path) -> Stage:
    data = _lenient(folder / "stage.json")
    return Stage(
        name=str(data.get("stage") or folder.name.split("-", 1)[1]),
        seconds=_number(data.get("seconds")),
        peak_memory_mib=_number(data.get("peak_memory_mib")),
        finished=str(data.get("finished") or ""),
        figures=_mapping(data.get("figures")),
        warnings=tuple(str(warning) for warning in _list(data.get("warnings"))),
        config=_mapping(data.get("config")),
        versions=_mapping(data.get("versions")),
        seed=data.get("seed"),
    )


def _held_out(folder: Path) -> tuple[HeldOut, ...]:
    pairs = []
    for entry in map(_mapping, _list(_lenient(folder / "held-out.json", "views"))):
        name = str(entry.get("name", ""))
        stem = Path(name).stem
        photo = inside(folder, f"{stem}-photo.jpg") or inside(folder, f"{name}-photo.jpg")
        render = inside(folder, f"{stem}-render.jpg") or inside(folder, f"{name}-render.jpg")
        if photo and render:
            pairs.append(HeldOut(name, photo, render, _number(entry.get("psnr")), _number(entry.get("ssim"))))
    return tuple(pairs)


def _remarks(file: Path, entries: str, key: str) -> tuple[tuple[str, str], ...]:
    """(name, what is said under ``key``) of the entries of a list that say something there."""
    rows = []
    for entry in map(_mapping, _list(_lenient(file).get(entries))):
        said = entry.get(key)
        text = ", ".join(map(str, said)) if isinstance(said, list) else str(said or "")
        if text:
            rows.append((str(entry.get("name", "?")), text))
    return tuple(rows)


def _unregistered(folder: Path) -> tuple[str, ...]:
    for file in sorted(folder.glob("*.json")):
        names = _list(_lenient(file).get("unregistered"))
        if names:
            return tuple(str(name) for name in names)
    return ()


def _lenient(file: Path, key: str | None = None) -> Any:
    """A JSON object, empty if the file is missing or damaged; with ``key``, a list that may lie under that key."""
    try:
        data = read_json(file, SceneError)
    except SceneError:
        data = {}
    if key is not None:
        return data if isinstance(data, list) else _mapping(data).get(key)
    return _mapping(data)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
