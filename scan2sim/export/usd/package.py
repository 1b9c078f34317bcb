"""The exported folder: the asset as SimReady wants it, the same as one USDZ file, a picture, and the record.

::

    export.json  preview.png  cameras.json
    <stem>.usdz
    <stem>/usd/<stem>.usda                       the stage
    <stem>/usd/objects/{<name>.usdc, background.usdc, textures/<name>.png}
    <stem>/usd/cousins/<cousin>/…                the same, what differs there, where there are cousins
    <stem>/usd/runnables/physics/{physx,newton,mujoco}.usda
    <stem>/usd/.thumbs/256x256/<stem>.usda.png
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pxr import Sdf, UsdUtils

from scan2sim.cameras import CameraFrame, write_cameras
from scan2sim.errors import ExportError
from scan2sim.export.preview import picture
from scan2sim.export.record import export_folder, object_records, write_record
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.names import file_stem
from scan2sim.export.usd.stage import write_stage
from scan2sim.files import output_errors
from scan2sim.scene import Scene, require_consistent, scene_gaussians, viewpoint

__all__ = ["CAMERA", "PREVIEW", "write_usd"]

PREVIEW, CAMERA = "preview.png", "cameras.json"
THUMBNAIL = 256  # [pixels]


def write_usd(
    scene: Scene,
    folder: Path,
    name: str = "scene",
    *,
    overwrite: bool = False,
    cousins: Iterable[tuple[str, Scene]] = (),
) -> Path:
    """Write a scene as an OpenUSD asset; returns the path of its stage.

    Args:
        scene: the scene.
        folder: where to write.
        name: what the asset is called; made lower case, with underscores.
        overwrite: replace an earlier export.
        cousins: scenes like it with their names, variants of the stage's set ``cousin``; ``twin`` is the scene itself.

    Raises:
        ExportError: the folder exists and may not be overwritten, or a cousin's name cannot be a variant's.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    require_consistent(scene)
    stem = file_stem(name)
    gaussians = scene_gaussians(scene).with_ids(None)
    camera = viewpoint(scene, gaussians)
    with export_folder(folder, overwrite) as fresh, output_errors(folder):
        home = fresh / stem / "usd"
        thumbnails = home / ".thumbs" / f"{THUMBNAIL}x{THUMBNAIL}"
        thumbnails.mkdir(parents=True)
        told: dict[str, dict[str, Any]] = {}
        stage = write_stage(scene, home, stem, _noting(cousins, told))
        if not UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(stage)), str(fresh / f"{stem}.usdz")):
            raise ExportError("USD could not pack the stage", path=folder)
        seen = Image.fromarray((picture(gaussians, camera) * 255).round().to(torch.uint8).numpy())
        seen.save(fresh / PREVIEW)
        write_cameras(fresh / CAMERA, (CameraFrame(PREVIEW, camera),))
        seen.thumbnail((THUMBNAIL, THUMBNAIL))
        seen.save(thumbnails / f"{stage.name}.png")
        write_record(
            scene,
            fresh,
            "usd",
            stage=f"{stem}/usd/{stage.name}",
            package=f"{stem}.usdz",
            **_counts(scene),
            cousins=told,
        )
    return folder / stem / "usd" / stage.name


def _noting(cousins: Iterable[tuple[str, Scene]], told: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Scene]]:
    """The cousins as they go by, and what the record says of each."""
    for name, cousin in cousins:
        yield name, cousin
        told[name] = {"objects": object_records(cousin), **_counts(cousin)}


def _counts(scene: Scene) -> dict[str, Any]:
    """How many splats there are, and how many parts the collision pieces of each object become."""
    return {
        "gaussians": len(scene.background) + sum(len(obj.gaussians) for obj in scene.objects),
        "parts": {obj.name: sum(len(simple_parts(piece)) for piece in obj.collision) for obj in scene.objects},
    }
