"""A scene that differs little from one on disk becomes a folder that costs only what differs.

What is as it was is a hard link to the other scene's file (a copy across devices), other splats are SPZ, other
collision pieces lie in one file a body, and a mesh that was bent shares its triangles and colours with all that were
bent from the same one.  The folder is whole: it
loads, moves, and zips by itself.

Linked files belong to both folders, so nobody may write into them in place; all of scan2sim writes beside a file and
renames.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from scan2sim.cameras import write_cameras
from scan2sim.errors import SceneError
from scan2sim.files import json_bytes, link_or_copy, read_json
from scan2sim.scene.checked_folder import checked_folder
from scan2sim.scene.describe import (
    CAMERAS,
    CORRECTIONS,
    MANIFEST,
    POINTS,
    background_paths,
    describe,
    object_paths,
)
from scan2sim.scene.load import load_scene
from scan2sim.scene.manifest import Manifest, parse_manifest
from scan2sim.scene.parts import write_points
from scan2sim.scene.pieces import encode_pieces
from scan2sim.scene.same import same_arrays, same_gaussians, same_looks, same_mesh, same_picture
from scan2sim.scene.shared_files import SharedFiles
from scan2sim.scene.types import Scene, SceneObject
from scan2sim.scene.visual import encode_visual
from scan2sim.scene.visual_parts import BESIDE, COLORS, FACES, encode_picture, split_visual
from scan2sim.splats import Gaussians, encode_spz

__all__ = ["SavedScene", "VariantSaver", "open_saved"]


COLLISION = "collision"  # the folder of pieces, or the file of them all
KEPT = 64  # encoded pictures in memory, however many variants there are


@dataclass(frozen=True)
class SavedScene:
    """A scene and the folder that it was read from."""

    scene: Scene
    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class _Part:
    """What a scene on disk holds of its background or of one object, and in which files."""

    gaussians: Gaussians
    splats: Path
    pieces: tuple[trimesh.Trimesh, ...]
    piece_files: tuple[Path, ...]
    obj: SceneObject | None = None
    visual: Path | None = None


def open_saved(folder: Path) -> SavedScene:
    """Read a scene, and keep in mind where its parts lie.

    Raises:
        SceneError: as :func:`load_scene`.
    """
    scene = load_scene(folder)
    path = folder / MANIFEST
    return SavedScene(scene, folder, parse_manifest(read_json(path, SceneError), path))


class VariantSaver:
    """Saves variants of one scene on disk."""

    def __init__(self, of: SavedScene, shared: SharedFiles) -> None:
        """Get ready.

        Args:
            of: the scene whose files the variants share.
            shared: what many variants have in common, but not with ``of``.
        """
        self._of = of
        self._shared = shared
        self._known = _parts(of)
        self._pictures: dict[str, bytes] = {}  # encoded, by the hash of their pixels

    def save(self, scene: Scene, folder: Path) -> None:
        """Write a variant into a new or empty folder.

        What it still has of the other scene is told by its content.  Photos are left out: they show the other scene.
        Files are not synced to the disk one by one: who needs the folder to survive a power cut syncs it in the end.

        Raises:
            SceneError: the scene is not consistent; nothing is written.
            OutputError: the folder is not empty or cannot be written.
        """
        with checked_folder(scene, folder):
            home, known = folder / "background", self._known[0]
            files = _write_pieces(scene.background_collision, home, known)
            background = background_paths(scene, _write_splats(scene.background, home, known))
            background = replace(background, collision=tuple(f"background/{file}" for file in files))
            objects = []
            for obj in scene.objects:
                home, known = folder / "objects" / obj.name, self._known.get(obj.id)
                files = _write_pieces(obj.collision, home, known)
                paths = object_paths(obj, _write_splats(obj.gaussians, home, known))
                collision = tuple(f"objects/{obj.name}/{file}" for file in files)
                objects.append(replace(paths, collision=collision))
                self._write_visual(obj, home, known)
            _write_views(scene, folder, self._of)
            if scene.corrections == self._of.scene.corrections and (self._of.folder / CORRECTIONS).exists():
                link_or_copy(self._of.folder / CORRECTIONS, folder / CORRECTIONS)
            else:
                (folder / CORRECTIONS).write_bytes(json_bytes(list(scene.corrections)))
            (folder / MANIFEST).write_bytes(json_bytes(describe(scene, background, objects)))

    def _write_visual(self, obj: SceneObject, home: Path, known: _Part | None) -> None:
        """Link a mesh, or write it in three files, of which those that will come again are shared."""
        path, twin = home / "visual.glb", known.obj if known else None
        if known and known.visual and twin and same_mesh(obj.visual, twin.visual) and same_looks(obj, twin):
            link_or_copy(known.visual, path)
            for beside in map(known.visual.with_name, BESIDE):
                if beside.exists():
                    link_or_copy(beside, home / beside.name)
            return
        painted = twin is not None and not same_picture(obj.texture, twin.texture)
        if obj.texture is None:
            parts = split_visual(encode_visual(obj.visual))
        else:
            unpainted = encode_visual(obj.visual, replace(obj.texture, image=np.zeros((1, 1, 3), np.uint8)))
            parts = split_visual(unpainted, self._picture(obj.texture.image, painted))
        path.write_bytes(parts.glb)
        self._shared.put(parts.faces, home / FACES)
        if painted:
            (home / COLORS).write_bytes(parts.colors)
        else:
            self._shared.put(parts.colors, home / COLORS)

    def _picture(self, image: NDArray[np.uint8], painted: bool) -> bytes:
        """A picture's file; those that will come again are encoded once."""
        if painted:
            return encode_picture(image, lossy=True)
        key = hashlib.sha256(image.tobytes()).hexdigest()
        if key not in self._pictures:
            while len(self._pictures) >= KEPT:
                del self._pictures[next(iter(self._pictures))]
            self._pictures[key] = encode_picture(image, lossy=False)
        return self._pictures[key]


def _parts(of: SavedScene) -> dict[int, _Part]:
    """The parts of a scene on disk by the ids of objects; 0 is the background."""

    def files(paths: list[str]) -> tuple[Path, ...]:
        return tuple(of.folder / path for path in paths)

    scene, stored = of.scene, of.manifest.background
    collision = scene.background_collision
    parts = {0: _Part(scene.background, of.folder / stored.splats, collision, files(stored.collision))}
    for obj, entry in zip(scene.objects, of.manifest.objects, strict=True):
        splats, visual = of.folder / entry.splats, of.folder / entry.visual
        parts[obj.id] = _Part(obj.gaussians, splats, obj.collision, files(entry.collision), obj, visual)
    return parts


def _write_splats(gaussians: Gaussians, home: Path, known: _Part | None) -> str:
    """Link or write splats, and return the suffix of their file."""
    if known and same_gaussians(gaussians, known.gaussians):
        link_or_copy(known.splats, home / f"splats{known.splats.suffix}")
        return known.splats.suffix
    path = home / "splats.spz"
    path.write_bytes(encode_spz(gaussians, path))
    return path.suffix


def _write_pieces(pieces: tuple[trimesh.Trimesh, ...], home: Path, known: _Part | None) -> list[str]:
    """Link the files of collision pieces, or write them into one; makes the part's folder, and returns their names."""
    home.mkdir(parents=True)
    if known and len(pieces) == len(known.pieces) and all(map(same_mesh, pieces, known.pieces)):
        (home / COLLISION).mkdir()
        names = [f"{COLLISION}/{k}{file.suffix}" for k, file in enumerate(known.piece_files)]
        for file, name in zip(known.piece_files, names, strict=True):
            link_or_copy(file, home / name)
        return names
    if not pieces:
        return []
    (home / f"{COLLISION}.glb").write_bytes(encode_pieces(pieces))
    return [f"{COLLISION}.glb"]


def _write_views(scene: Scene, folder: Path, of: SavedScene) -> None:
    """Link or write cameras and sparse points."""
    if scene.cameras is of.scene.cameras and of.manifest.cameras:
        link_or_copy(of.folder / of.manifest.cameras, folder / CAMERAS)
    elif scene.cameras:
        write_cameras(folder / CAMERAS, scene.cameras)
    same = same_arrays((scene.points, of.scene.points), (scene.point_colors, of.scene.point_colors))
    if same and of.manifest.points:
        link_or_copy(of.folder / of.manifest.points, folder / POINTS)
    elif len(scene.points):
        write_points(scene.points, scene.point_colors, folder / POINTS)
