"""A scene that differs little from one on disk becomes a folder that costs only what differs.

What is as it was is a hard link to the other scene's file (a copy across devices), other splats are SPZ, a mesh that
moved keeps its triangles and picture in the other's file.  The folder is whole: it loads, moves, and zips by itself.

Linked files belong to both folders, so nobody may write into them in place; all of scan2sim writes beside a file and
renames.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh

from scan2sim.bodies import vertex_colors, vertices_seen
from scan2sim.cameras import write_cameras
from scan2sim.errors import OutputError, SceneError
from scan2sim.files import json_bytes, link_or_copy, output_errors, read_json
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
from scan2sim.scene.parts import write_obj, write_points
from scan2sim.scene.types import Scene, SceneObject
from scan2sim.scene.validate import require_consistent
from scan2sim.scene.visual import write_visual
from scan2sim.scene.visual_change import ORIGINAL, change_visual
from scan2sim.splats import Gaussians, encode_spz

__all__ = ["SavedScene", "open_saved", "save_variant"]


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
    pieces: tuple[tuple[trimesh.Trimesh, Path], ...]
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


def save_variant(scene: Scene, folder: Path, of: SavedScene) -> None:
    """Write a scene made from another one into a new or empty folder.

    Files are not synced to the disk one by one: who needs the folder to survive a power cut syncs it in the end.

    Args:
        scene: what to write; what it still has of ``of.scene`` is told by its content.  Photos are left out: they
            show the other scene.
        folder: where to; it is filled in place.
        of: the scene on disk that shares its files.

    Raises:
        SceneError: the scene is not consistent; nothing is written.
        OutputError: the folder is not empty or cannot be written.
    """
    require_consistent(scene, folder)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError("the folder for the scene is not empty", path=folder, todo="choose a new folder")
        parts = _parts(of)
        home = folder / "background"
        _write_pieces(scene.background_collision, home, parts[0])
        background = background_paths(scene, _write_splats(scene.background, home, parts[0]))
        objects = []
        for obj in scene.objects:
            home = folder / "objects" / obj.name
            _write_pieces(obj.collision, home, parts.get(obj.id))
            objects.append(object_paths(obj, _write_splats(obj.gaussians, home, parts.get(obj.id))))
            _write_visual(obj, home, parts.get(obj.id))
        _write_views(scene, folder, of)
        (folder / CORRECTIONS).write_bytes(json_bytes(list(scene.corrections)))
        (folder / MANIFEST).write_bytes(json_bytes(describe(scene, background, objects)))


def _parts(of: SavedScene) -> dict[int, _Part]:
    """The parts of a scene on disk by the ids of objects; 0 is the background."""

    def pieces(meshes: tuple[trimesh.Trimesh, ...], paths: list[str]) -> tuple[tuple[trimesh.Trimesh, Path], ...]:
        return tuple((mesh, of.folder / path) for mesh, path in zip(meshes, paths, strict=True))

    scene, stored = of.scene, of.manifest.background
    collision = pieces(scene.background_collision, stored.collision)
    parts = {0: _Part(scene.background, of.folder / stored.splats, collision)}
    for obj, entry in zip(scene.objects, of.manifest.objects, strict=True):
        splats, visual = of.folder / entry.splats, of.folder / entry.visual
        parts[obj.id] = _Part(obj.gaussians, splats, pieces(obj.collision, entry.collision), obj, visual)
    return parts


def _write_splats(gaussians: Gaussians, home: Path, known: _Part | None) -> str:
    """Link or write splats, and return the suffix of their file."""
    if known and _same_gaussians(gaussians, known.gaussians):
        link_or_copy(known.splats, home / f"splats{known.splats.suffix}")
        return known.splats.suffix
    path = home / "splats.spz"
    path.write_bytes(encode_spz(gaussians, path))
    return path.suffix


def _write_pieces(pieces: tuple[trimesh.Trimesh, ...], home: Path, known: _Part | None) -> None:
    """Link or write collision pieces; makes their folder and that of the whole part."""
    (home / "collision").mkdir(parents=True)
    stored = known.pieces if known else ()
    for i, piece in enumerate(pieces):
        path = home / "collision" / f"{i}.obj"
        if i < len(stored) and _same_mesh(piece, stored[i][0]):
            link_or_copy(stored[i][1], path)
        else:
            write_obj(piece, path)


def _write_visual(obj: SceneObject, home: Path, known: _Part | None) -> None:
    path = home / "visual.glb"
    twin, stored = (known.obj, known.visual) if known else (None, None)
    if twin is None or stored is None:
        write_visual(obj.visual, path, obj.texture)
    elif _same_visual(obj, twin):
        link_or_copy(stored, path)
        if (beside := stored.with_name(ORIGINAL)).exists():
            link_or_copy(beside, home / ORIGINAL)
    else:
        changed = change_visual(stored.read_bytes(), twin.visual, twin.texture, obj.visual, obj.texture)
        if changed is None:
            write_visual(obj.visual, path, obj.texture)
        else:
            link_or_copy(stored, home / ORIGINAL)
            path.write_bytes(changed)


def _write_views(scene: Scene, folder: Path, of: SavedScene) -> None:
    """Link or write cameras and sparse points."""
    if scene.cameras is of.scene.cameras and of.manifest.cameras:
        link_or_copy(of.folder / of.manifest.cameras, folder / CAMERAS)
    elif scene.cameras:
        write_cameras(folder / CAMERAS, scene.cameras)
    same = _same_arrays((scene.points, of.scene.points), (scene.point_colors, of.scene.point_colors))
    if same and of.manifest.points:
        link_or_copy(of.folder / of.manifest.points, folder / POINTS)
    else:
        write_points(scene.points, scene.point_colors, folder / POINTS)


def _same_gaussians(a: Gaussians, b: Gaussians) -> bool:
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return a is b or all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def _same_mesh(a: trimesh.Trimesh, b: trimesh.Trimesh) -> bool:
    return a is b or _same_arrays((a.vertices, b.vertices), (a.faces, b.faces))


def _same_visual(a: SceneObject, b: SceneObject) -> bool:
    if a.visual is not b.visual and not (
        _same_mesh(a.visual, b.visual)
        and _same_arrays(
            (vertex_colors(a.visual), vertex_colors(b.visual)), (vertices_seen(a.visual), vertices_seen(b.visual))
        )
    ):
        return False
    if a.texture is None or b.texture is None:
        return a.texture is b.texture
    return a.texture is b.texture or _same_arrays((a.texture.image, b.texture.image), (a.texture.uv, b.texture.uv))


def _same_arrays(*pairs: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(a is b or np.array_equal(a, b) for a, b in pairs)
