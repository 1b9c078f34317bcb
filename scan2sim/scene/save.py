"""A Scene becomes a self-contained folder."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scan2sim.cameras import write_cameras
from scan2sim.errors import OutputError, SceneError
from scan2sim.files import output_errors, write_json
from scan2sim.scene.manifest import FORMAT, VERSION
from scan2sim.scene.parts import write_obj, write_points
from scan2sim.scene.types import Scene, SceneObject, Support
from scan2sim.scene.validate import require_consistent
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
    require_consistent(scene, folder)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError("the folder for the scene is not empty", path=folder, todo="choose a new folder")
        _write_images(scene, folder)
        background = {
            "splats": "background/splats.ply",
            "collision": [f"background/collision/{i}.obj" for i in range(len(scene.background_collision))],
        }
        (folder / "background" / "collision").mkdir(parents=True)
        write_ply(scene.background.with_ids(None), folder / background["splats"])
        for piece, path in zip(scene.background_collision, background["collision"], strict=True):
            write_obj(piece, folder / path)
        objects = [_write_object(obj, folder) for obj in scene.objects]
        cameras = "cameras.json" if scene.cameras else None
        if cameras:
            write_cameras(folder / cameras, scene.cameras)
        write_points(scene.points, scene.point_colors, folder / "points.ply")
        write_json(folder / "corrections.json", list(scene.corrections))
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "units": "m",
            "up": "z",
            "quaternion": "wxyz",
            "scale": scene.scale,
            "gravity": scene.gravity,
            "background": background,
            "supports": [_support(support) for support in scene.supports],
            "regions": [],
            "objects": objects,
            "cameras": cameras,
            "points": "points.ply",
            "light": scene.light,
            "quality": scene.quality,
            "provenance": scene.provenance,
        }
        write_json(folder / "scene.json", manifest)


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


def _write_object(obj: SceneObject, folder: Path) -> dict[str, Any]:
    home = f"objects/{obj.name}"
    (folder / home / "collision").mkdir(parents=True)
    write_ply(obj.gaussians.with_ids(None), folder / home / "splats.ply")
    write_visual(obj.visual, folder / home / "visual.glb", obj.texture)
    collision = [f"{home}/collision/{i}.obj" for i in range(len(obj.collision))]
    for piece, path in zip(obj.collision, collision, strict=True):
        write_obj(piece, folder / path)
    physical = obj.physical
    return {
        "id": obj.id,
        "name": obj.name,
        "label": asdict(obj.label),
        "mobility": obj.mobility,
        "rests_on": obj.rests_on and asdict(obj.rests_on),
        "joint": obj.joint and asdict(obj.joint),
        "position": obj.position,
        "wxyz": obj.wxyz,
        "splats": f"{home}/splats.ply",
        "visual": f"{home}/visual.glb",
        "collision": collision,
        "mass": asdict(physical.mass),
        "friction": asdict(physical.friction),
        "restitution": asdict(physical.restitution),
        "volume": asdict(physical.volume),
        "center_of_mass": physical.center_of_mass,
        "inertia": physical.inertia,
        "unseen_fraction": obj.unseen_fraction,
        "figures": obj.figures,
    }


def _support(support: Support) -> dict[str, Any]:
    return {
        "name": support.name,
        "object": support.object,
        "position": support.position,
        "wxyz": support.wxyz,
        "polygon": support.polygon,
    }
