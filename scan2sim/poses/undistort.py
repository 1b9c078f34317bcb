"""Photos with lens distortion become pinhole photos."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image

from scan2sim.cameras import Intrinsics
from scan2sim.capture import Frame
from scan2sim.errors import PosesError

__all__ = ["undistort_frame"]

STRAIGHT_BELOW = 0.1  # [pixels] distortion that is not worth resampling a photo for
SMALLEST = 0.5  # of the photo's sides; less means that the lens was not understood


def undistort_frame(frame: Frame, lens: pycolmap.Camera, folder: Path) -> tuple[Path, Intrinsics]:
    """Write the frame as a pinhole camera sees it to ``folder/<frame.name>``, and return that camera.

    The photo is cut so that no black borders remain.  A photo whose distortion stays below 0.1 pixels everywhere is
    copied unchanged.

    Raises:
        PosesError: the distortion is so strong that less than half of a side would remain.
    """
    target = folder / frame.name
    same_kind = frame.image.suffix.lower() == target.suffix.lower()
    if _largest_shift(lens) < STRAIGHT_BELOW and same_kind:
        shutil.copyfile(frame.image, target)
        return target, _intrinsics(lens)
    with Image.open(frame.image) as image:
        pixels = np.asarray(image.convert("RGB"))
    options = pycolmap.UndistortCameraOptions()
    options.blank_pixels = 0.0
    bitmap, pinhole = pycolmap.undistort_image(options, pycolmap.Bitmap.from_array(pixels), lens)
    if pinhole.width < SMALLEST * lens.width or pinhole.height < SMALLEST * lens.height:
        raise PosesError(
            f"the lens distortion found for {frame.name} leaves {pinhole.width}×{pinhole.height} of its "
            f"{lens.width}×{lens.height} pixels",
            todo="use photos from one phone camera without zoom or wide-angle mode, or give the cameras with --cameras",
        )
    # named .jpg, .png or .webp after the person's photo, and really that
    colour = {"subsampling": 0} if target.suffix.lower() in (".jpg", ".jpeg") else {}
    Image.fromarray(bitmap.to_array()).save(target, None, quality=95, **colour)
    return target, _intrinsics(pinhole)


def _largest_shift(lens: pycolmap.Camera) -> float:
    """How far distortion moves a pixel, at most [pixels]."""
    x, y = np.meshgrid(np.linspace(0, lens.width, 33), np.linspace(0, lens.height, 33))
    pixels = np.stack([x.ravel(), y.ravel()], 1)
    centre = [lens.principal_point_x, lens.principal_point_y]
    rays = (pixels - centre) / [lens.focal_length_x, lens.focal_length_y]
    distorted = np.asarray(lens.img_from_cam(np.concatenate([rays, np.ones((len(rays), 1))], 1)))
    return float(np.abs(distorted - pixels).max())


def _intrinsics(camera: pycolmap.Camera) -> Intrinsics:
    return Intrinsics(
        camera.width,
        camera.height,
        camera.focal_length_x,
        camera.focal_length_y,
        camera.principal_point_x,
        camera.principal_point_y,
    )
