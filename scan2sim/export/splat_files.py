"""Splat files for viewers: the whole scene at rest as one set of Gaussians.

A viewer of splats takes y for the vertical, so the scene is turned: in PLY and ``.splat`` files x is right, y down and
z forward, in SPZ files x right, y up and z back.  ``export.json`` says with ``file_from_scene`` how to turn back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from scan2sim.cameras import Camera, CameraFrame, read_cameras, write_cameras
from scan2sim.errors import ExportError, PosesError, SceneError
from scan2sim.export.preview import picture
from scan2sim.export.record import export_folder, read_record, write_record
from scan2sim.files import output_errors
from scan2sim.scene import PREVIEW_SIDE, Scene, scene_gaussians, viewpoint
from scan2sim.splats import Gaussians, psnr, read_splats, rotate_gaussians, write_splats

__all__ = ["SPLAT_KINDS", "check_splat_file", "write_splat_file"]

PREVIEW, CAMERA = "preview.png", "cameras.json"
BOUNDS_TOLERANCE = 1e-3  # of the scene's diagonal
MOST_DB = 99.0  # what is reported of equal pictures
PLY_FROM_SCENE = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
SPZ_FROM_PLY = np.diag([1.0, -1, -1, 1])


@dataclass(frozen=True)
class SplatKind:
    """One file format."""

    file: str
    description: str
    least_db: float  # how much the picture of what was re-opened must be like the scene's
    file_from_scene: np.ndarray  # (4, 4)
    degree: int = 3  # highest degree of spherical harmonics that it holds


SPLAT_KINDS: Mapping[str, SplatKind] = MappingProxyType(
    {
        "spz": SplatKind("scene.spz", "SPZ, the smallest splat file", 28.0, SPZ_FROM_PLY @ PLY_FROM_SCENE),
        "ply": SplatKind("scene.ply", "splats as INRIA's PLY, without loss", 45.0, PLY_FROM_SCENE),
        "compressed-ply": SplatKind("scene.compressed.ply", "SuperSplat's compressed PLY", 35.0, PLY_FROM_SCENE),
        "splat": SplatKind("scene.splat", "antimatter15's .splat, colours of one side only", 35.0, PLY_FROM_SCENE, 0),
    }
)


def write_splat_file(scene: Scene, folder: Path, kind: str, *, overwrite: bool = False) -> Path:
    """Write the scene as one splat file, with a preview, its camera and ``export.json``; returns the splat file.

    Args:
        scene: the scene.
        folder: where to write.
        kind: a key of `SPLAT_KINDS`.
        overwrite: replace an earlier export.

    Raises:
        ExportError: the folder exists and may not be overwritten.
        SceneError: a Gaussian lies too far away for the format.
        OutputError: it cannot be written.
    """
    form = SPLAT_KINDS[kind]
    gaussians = scene_gaussians(scene).with_ids(None)
    gaussians = replace(gaussians, sh=gaussians.sh[:, : (form.degree + 1) ** 2])
    camera = viewpoint(scene, gaussians)
    with export_folder(folder, overwrite) as fresh:
        write_splats(rotate_gaussians(gaussians, PLY_FROM_SCENE), fresh / form.file)
        seen = (picture(gaussians, camera) * 255).round().to(torch.uint8).numpy()
        with output_errors(fresh / PREVIEW):
            Image.fromarray(seen).save(fresh / PREVIEW)
        write_cameras(fresh / CAMERA, (CameraFrame(PREVIEW, camera),))
        write_record(
            scene,
            fresh,
            kind,
            file=form.file,
            gaussians=len(gaussians),
            degree=gaussians.sh_degree,
            bounds=_bounds(gaussians),
            file_from_scene=form.file_from_scene,
        )
    return folder / form.file


def check_splat_file(folder: Path, kind: str) -> dict[str, Any]:
    """Re-open an exported splat file, count it, measure it, and draw it beside the scene's own picture.

    Returns:
        ``passed``, ``problems``, ``gaussians``, ``bytes``, ``bytes_per_gaussian``, ``psnr_db`` against the preview.

    Raises:
        ExportError: the export is not complete, or its file or preview cannot be read.
    """
    form, record = SPLAT_KINDS[kind], read_record(folder, kind)
    path = folder / form.file
    try:
        found = rotate_gaussians(read_splats(path), np.linalg.inv(PLY_FROM_SCENE))
        camera = read_cameras(folder / CAMERA)[0].camera
    except (SceneError, PosesError) as problem:
        raise ExportError(problem.problem, path=problem.path, todo="export the scene again") from None
    try:
        count, degree = int(record["gaussians"]), int(record["degree"])
        bounds = np.array(record["bounds"], dtype=float).reshape(2, 3)
    except (KeyError, TypeError, ValueError) as problem:
        raise ExportError(f"the record of the export is not complete ({problem})", path=folder) from None
    problems = []
    if (len(found), found.sh_degree) != (count, degree):
        problems.append(f"{len(found)} Gaussians of degree {found.sh_degree} instead of {count} of degree {degree}")
    apart = np.abs(np.array(_bounds(found)) - bounds).max()
    if not apart <= BOUNDS_TOLERANCE * np.linalg.norm(bounds[1] - bounds[0]):
        problems.append(f"its bounds are off by {apart:.3g} m")
    preview = _read_preview(folder / PREVIEW, camera)  # first: it bounds the size of the picture that is drawn
    likeness = min(psnr(picture(found, camera), preview).item(), MOST_DB)
    if not likeness >= form.least_db:
        problems.append(f"it looks like the scene only to {likeness:.1f} dB, expected {form.least_db:.0f}")
    size = path.stat().st_size
    return {
        "passed": not problems,
        "problems": problems,
        "gaussians": len(found),
        "bytes": size,
        "bytes_per_gaussian": round(size / max(len(found), 1), 1),
        "psnr_db": round(likeness, 1),
    }


def _bounds(gaussians: Gaussians) -> list[list[float]]:
    """Least and largest x, y, z of the means [m]."""
    if not len(gaussians):
        return [[0.0] * 3, [0.0] * 3]
    return [gaussians.means.amin(0).tolist(), gaussians.means.amax(0).tolist()]


def _read_preview(path: Path, camera: Camera) -> Tensor:  # (H, W, 3) in 0..1
    size = (camera.intrinsics.width, camera.intrinsics.height)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.size != size or max(size) > PREVIEW_SIDE or image.mode != "RGB":
                raise ExportError(f"not the picture that goes with {CAMERA}", path=path, todo="export the scene again")
            return torch.from_numpy(np.asarray(image).copy()).float() / 255
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise ExportError(f"cannot be read ({problem})", path=path, todo="export the scene again") from None
