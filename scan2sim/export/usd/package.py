"""The exported folder: the asset as SimReady wants it, the same as one USDZ file, a picture, and the record.

::

    export.json  preview.png  cameras.json
    <stem>.usdz
    <stem>/usd/<stem>.usda                       the stage
    <stem>/usd/objects/{<name>.usdc, background.usdc, textures/<name>.png}
    <stem>/usd/runnables/physics/{physx,newton,mujoco}.usda
    <stem>/usd/.thumbs/256x256/<stem>.usda.png
"""

# OpenUSD is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from pxr import Sdf, UsdUtils

from scan2sim.cameras import CameraFrame, write_cameras
from scan2sim.errors import ExportError
from scan2sim.export.preview import picture
from scan2sim.export.record import export_folder, write_record
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.names import file_stem
from scan2sim.export.usd.stage import write_stage
from scan2sim.files import output_errors
from scan2sim.scene import Scene, require_consistent, scene_gaussians, viewpoint

__all__ = ["CAMERA", "PREVIEW", "write_usd"]

PREVIEW, CAMERA = "preview.png", "cameras.json"
THUMBNAIL = 256  # [pixels]


def write_usd(scene: Scene, folder: Path, name: str = "scene", *, overwrite: bool = False) -> Path:
    """Write a scene as an OpenUSD asset; returns the path of its stage.

    Args:
        scene: the scene.
        folder: where to write.
        name: what the asset is called; made lower case, with underscores.
        overwrite: replace an earlier export.

    Raises:
        ExportError: the folder exists and may not be overwritten.
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
        stage = write_stage(scene, home, stem)
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
            gaussians=len(gaussians),
            parts={obj.name: sum(len(simple_parts(piece)) for piece in obj.collision) for obj in scene.objects},
        )
    return folder / stem / "usd" / stage.name
