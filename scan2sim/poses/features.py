"""SIFT features of all frames in COLMAP's database."""

from __future__ import annotations

from dataclasses import dataclass, replace

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


def add_lenses(workspace: Workspace, lenses: list[Lens]) -> Workspace:
    """Start the database with one camera per lens: as stated, or SIMPLE_RADIAL with a focal length from EXIF if known.

    Images are added in a fixed order, so that their ids, and with them the result, do not depend on threads.

    Returns:
        The workspace with the cameras whose lens was stated in ``held``.
    """
    held = []
    for lens in lenses:
        numbers: tuple[float, ...] = lens.parameters or ()
        if lens.parameters is None and lens.focal_length is not None:
            numbers = (lens.focal_length, lens.width / 2, lens.height / 2, 0.0)
        camera = add_camera_and_images(workspace, lens.model, ",".join(map(repr, numbers)), lens.frames)
        if lens.parameters is not None:
            held.append(camera)
    return replace(workspace, held=tuple(held))


def add_camera_and_images(workspace: Workspace, model: str, params: str, frames: tuple[int, ...]) -> int:
    """Add one camera and the frames taken with it; without ``params`` a focal length of 1.2 image sizes is assumed.

    Returns:
        The camera's id.
    """
    options = pycolmap.ImageReaderOptions()
    options.camera_model, options.camera_params = model, params
    pycolmap.Database.open(workspace.database).close()  # makes the file
    names = [workspace.names[i] for i in frames]
    pycolmap.import_images(
        workspace.database, workspace.images, pycolmap.CameraMode.SINGLE, image_names=names, options=options
    )
    with pycolmap.Database.open(workspace.database) as database:
        return max(camera.camera_id for camera in database.read_all_cameras())


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
