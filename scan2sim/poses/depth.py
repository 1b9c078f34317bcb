"""Depth images and confidence maps that a sensor took beside the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Intrinsics
from scan2sim.capture import Frame
from scan2sim.errors import PosesError, Scan2SimError
from scan2sim.poses.posed import PosedFrame

__all__ = [
    "read_confidence",
    "read_depth",
    "read_weighted_depth",
    "tell_unfit_depth",
    "undistort_depth",
    "usable_depth",
]

MAX_SIDE = 16384  # [pixels]
MILLIMETRE = 1e-3
CONFIDENCE_WEIGHTS = (0.0, 0.5, 1.0)  # of depth by its confidence: low, medium, high
SAME_SHAPE = 0.03  # relative difference of the aspect ratios of depth and photo
MODES = {"I;16": np.uint16, "I;16B": np.uint16, "L": np.uint8}
TODO = "give depth as 16-bit PNG in millimetres or .npy in metres, confidence as 8-bit PNG or .npy with 0 to 2"


def read_depth(path: Path) -> NDArray[np.float32]:  # (H, W) [m], 0 = unknown
    """Read a 16-bit PNG in millimetres or an ``.npy`` in metres.

    Raises:
        PosesError: the file is missing, damaged or of another kind.
    """
    values = _read_map(path)
    if values.dtype == np.uint8:
        raise PosesError("8 bits are too few for depth", path=path, todo=TODO)
    depth = values.astype(np.float32) * (MILLIMETRE if path.suffix.lower() == ".png" else 1)
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)


def read_confidence(path: Path) -> NDArray[np.uint8]:  # (H, W) 0 low, 1 medium, 2 high, as ARKit
    """Read a confidence map.

    Raises:
        PosesError: the file is missing, damaged or has other values.
    """
    values = _read_map(path)
    if values.size and (values.dtype.kind not in "ui" or values.min() < 0 or values.max() > 2):
        raise PosesError("does not hold 0, 1 and 2", path=path, todo=TODO)
    return values.astype(np.uint8)


def read_weighted_depth(
    frame: PosedFrame,  # with depth
    error: type[Scan2SimError] = PosesError,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:  # (H, W) [m], 0 = unknown, (H, W) 0..1
    """A frame's depth, and how much each of its pixels counts by the sensor's confidence; 1 where it tells none.

    Raises:
        PosesError: a file cannot be read.
        error: depth and confidence have different sizes.
    """
    assert frame.depth is not None
    depth = read_depth(frame.depth)
    if frame.confidence is None:
        return depth, np.ones(depth.shape)
    confidence = read_confidence(frame.confidence)
    if confidence.shape != depth.shape:
        raise error(
            f"depth of {frame.name} is {depth.shape[1]}×{depth.shape[0]}, "
            f"its confidence {confidence.shape[1]}×{confidence.shape[0]}",
            path=frame.confidence,
            todo="give both at one size, or leave the confidence out",
        )
    return depth, np.array(CONFIDENCE_WEIGHTS)[confidence]


def _read_map(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with Image.open(path) as image:
                if image.mode not in MODES or max(image.size) > MAX_SIDE:
                    raise PosesError(f"{image.mode} image of {image.width}×{image.height}", path=path, todo=TODO)
                values = np.asarray(image)
    except (OSError, ValueError, EOFError, Image.DecompressionBombError) as problem:
        raise PosesError(f"cannot be read ({problem})", path=path, todo=TODO) from None
    if values.ndim != 2 or not values.size or max(values.shape) > MAX_SIDE or values.dtype.kind not in "uif":
        raise PosesError(f"holds {values.dtype} of shape {values.shape}, not an image", path=path, todo=TODO)
    return np.array(values)


def usable_depth(frame: Frame) -> tuple[Frame, str]:
    """The frame without depth or confidence that does not fit its photo, and why; empty if all fits.

    Depth may be coarser than the photo, as LiDAR's is, but must have its shape: depth that was not turned with its
    photo lies elsewhere in it.

    Raises:
        PosesError: a file cannot be read.
    """
    if frame.depth is None:
        return replace(frame, confidence=None), ""
    height, width = read_depth(frame.depth).shape
    if abs(width * frame.height / (height * frame.width) - 1) > SAME_SHAPE:
        turned = (
            " (it looks as if it was not turned upright)" if (width > height) != (frame.width > frame.height) else ""
        )
        problem = f"depth is {width}×{height}, the photo {frame.width}×{frame.height}: another shape{turned}"
        return replace(frame, depth=None, confidence=None), problem
    if frame.confidence is not None and read_confidence(frame.confidence).shape != (height, width):
        other = read_confidence(frame.confidence).shape
        return replace(frame, confidence=None), f"confidence is {other[1]}×{other[0]}, its depth {width}×{height}"
    return frame, ""


def tell_unfit_depth(unfit: Sequence[str]) -> tuple[str, ...]:
    """A warning that says why depth was left out, for reasons of :func:`usable_depth`; none where there are none."""
    if not unfit:
        return ()
    more = f" (and {len(unfit) - 1} more like it)" if len(unfit) > 1 else ""
    return (f"depth of {len(unfit)} photos was left out: {unfit[0]}{more} → record depth and photos with one app",)


def undistort_depth(
    frame: Frame, lens: pycolmap.Camera, pinhole: Intrinsics, folder: Path
) -> tuple[Path | None, Path | None]:  # depth, confidence
    """Write a frame's depth and confidence as its undistorted photo shows them, to ``folder/<frame.name>….npy``.

    Each pixel takes the nearest value; depth edges stay edges.  Nothing is written where the frame has nothing.

    Raises:
        PosesError: a file cannot be read.
    """
    written: list[Path | None] = [None, None]
    kinds = ((frame.depth, read_depth, "depth"), (frame.confidence, read_confidence, "confidence"))
    for index, (path, read, kind) in enumerate(kinds):
        if path is None:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{frame.name}.{kind}.npy"
        np.save(target, _seen_through(read(path), frame, lens, pinhole))
        written[index] = target
    return written[0], written[1]


def _seen_through(values: NDArray[Any], frame: Frame, lens: pycolmap.Camera, pinhole: Intrinsics) -> NDArray[Any]:
    """The map of a photo with the lens, as a pinhole camera sees it, at the map's own resolution; 0 outside."""
    per_x, per_y = values.shape[1] / frame.width, values.shape[0] / frame.height
    k = pinhole.resized(max(1, round(pinhole.width * per_x)), max(1, round(pinhole.height * per_y)))
    x, y = np.meshgrid((np.arange(k.width) + 0.5 - k.cx) / k.fx, (np.arange(k.height) + 0.5 - k.cy) / k.fy)
    pixels = np.asarray(lens.img_from_cam(np.stack([x.ravel(), y.ravel(), np.ones(x.size)], 1)))
    pixels = np.where(np.isfinite(pixels), pixels, -1.0)
    columns = np.floor(pixels[:, 0] * per_x).astype(np.int64)
    rows = np.floor(pixels[:, 1] * per_y).astype(np.int64)
    inside = (columns >= 0) & (columns < values.shape[1]) & (rows >= 0) & (rows < values.shape[0])
    seen = np.zeros(x.size, values.dtype)
    seen[inside] = values[rows[inside], columns[inside]]
    return seen.reshape(x.shape)
