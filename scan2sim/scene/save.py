"""A Scene becomes a self-contained folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import trimesh

from scan2sim.cameras import write_cameras
from scan2sim.errors import SceneError
from scan2sim.files import write_json
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
from scan2sim.scene.parts import write_obj, write_points
from scan2sim.scene.types import Scene
from scan2sim.scene.visual import write_visual
from scan2sim.splats import write_ply

__all__ = ["save_scene"]


def save_scene(scene: Scene, folder: Path) -> None:
    """Write a scene into a new or empty folder: manifest, splats, meshes, cameras, photos, points, corrections.

    The folder is filled in place; callers that replace a scene fill a folder of ``files.new_folder`` and swap it in.

    Raises:
        SceneError: the scene is not consistent; nothing is written.
        OutputError: the folder is not empty or cannot be written.
    """
    with checked_folder(scene, folder):
        _write_images(scene, folder)
        background = background_paths(scene)
        _write_pieces(scene.background_collision, background.collision, folder / "background")
        write_ply(scene.background.with_ids(None), folder / background.splats)
        objects = [object_paths(obj) for obj in scene.objects]
        for obj, paths in zip(scene.objects, objects, strict=True):
            _write_pieces(obj.collision, paths.collision, folder / "objects" / obj.name)
            write_ply(obj.gaussians.with_ids(None), folder / paths.splats)
            write_visual(obj.visual, folder / paths.visual, obj.texture)
        if scene.cameras:
            write_cameras(folder / CAMERAS, scene.cameras)
        if len(scene.points):
            write_points(scene.points, scene.point_colors, folder / POINTS)
        write_json(folder / CORRECTIONS, list(scene.corrections))
        write_json(folder / MANIFEST, describe(scene, background, objects))


def _write_images(scene: Scene, folder: Path) -> None:
    for source, frame in zip(scene.images, scene.cameras if scene.images else (), strict=True):
        target = folder / frame.file
        if not target.resolve().is_relative_to(folder.resolve()):
            raise SceneError(f"the camera's file {frame.file} lies outside the scene", path=folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError:
            raise SceneError("a photo of the scene is missing", path=source, todo="run the build again") from None


def _write_pieces(pieces: Sequence[trimesh.Trimesh], paths: Sequence[str], home: Path) -> None:
    (home / "collision").mkdir(parents=True)
    for piece, path in zip(pieces, paths, strict=True):
        write_obj(piece, home / "collision" / Path(path).name)
