"""SIFT features of all frames in COLMAP's database."""

from __future__ import annotations

from dataclasses import dataclass

import pycolmap

from scan2sim.poses.config import PosesConfig
from scan2sim.poses.lenses import Lens
from scan2sim.poses.workspace import Workspace, thread_count
from scan2sim.progress import Reporter

__all__ = ["FeatureEffort", "add_camera_and_images", "add_lenses", "extract_features"]

UPSAMPLED_BELOW = 1000  # [pixels] smaller photos are searched at twice their size too


@dataclass(frozen=True)
class FeatureEffort:
    """How hard features are searched for."""

    upsample: bool | None = None  # search at twice the size, 4 times the work; None = small photos only
    affine: bool = False  # affine shapes and pooled descriptors, for low texture and slanted views


def add_lenses(workspace: Workspace, lenses: list[Lens]) -> None:
    """Start the database with one SIMPLE_RADIAL camera per lens, its focal length from EXIF where known.

    Images are added in a fixed order, so that their ids, and with them the result, do not depend on threads.
    """
    for lens in lenses:
        focal = lens.focal_length
        params = "" if focal is None else f"{focal!r},{lens.width / 2!r},{lens.height / 2!r},0"
        add_camera_and_images(workspace, "SIMPLE_RADIAL", params, lens.frames)


def add_camera_and_images(workspace: Workspace, model: str, params: str, frames: tuple[int, ...]) -> None:
    """Add one camera and the frames taken with it; without ``params`` a focal length of 1.2 image sizes is assumed."""
    options = pycolmap.ImageReaderOptions()
    options.camera_model, options.camera_params = model, params
    pycolmap.Database.open(workspace.database).close()  # makes the file
    names = [workspace.names[i] for i in frames]
    pycolmap.import_images(
        workspace.database, workspace.images, pycolmap.CameraMode.SINGLE, image_names=names, options=options
    )


def extract_features(workspace: Workspace, config: PosesConfig, effort: FeatureEffort, report: Reporter) -> None:
    """Find SIFT features of all images (Lowe 2004; RootSIFT: Arandjelović and Zisserman 2012)."""
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = threads = thread_count(config)
    options.max_image_size = config.max_image_size
    options.sift.max_num_features = config.max_features
    options.sift.estimate_affine_shape = effort.affine
    options.sift.domain_size_pooling = effort.affine
    longest = max(max(frame.width, frame.height) for frame in workspace.frames)
    upsample = longest <= UPSAMPLED_BELOW if effort.upsample is None else effort.upsample
    options.sift.first_octave = -1 if upsample else 0
    names = list(workspace.names)
    batch = 2 * threads
    for start in range(0, len(names), batch):
        report("finding features", start, len(names))
        pycolmap.extract_features(
            workspace.database,
            workspace.images,
            image_names=names[start : start + batch],
            extraction_options=options,
            device=pycolmap.Device.cpu,
        )
    report("finding features", len(names), len(names))
