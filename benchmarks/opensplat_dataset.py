"""A posed capture in the form that OpenSplat reads: nerfstudio's ``transforms.json``, PNG images, a PLY of points.

OpenSplat centres and scales what it reads by the cameras' positions and undoes both when it saves with
``--keep-crs``, so its splats come back in the frame of the capture.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from scan2sim.fit.photos import Photo, load_photos
from scan2sim.poses import PosedCapture, PosedFrame

__all__ = ["write_dataset"]

OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
MAX_OFF_CENTRE = 0.51  # pixels; OpenSplat's CPU path puts the principal point in the middle whatever it is told


def write_dataset(
    posed: PosedCapture,
    frames: tuple[PosedFrame, ...],  # the ones to train on
    folder: Path,
    max_size: int,  # of the images' long side [pixels]
) -> None:
    """Write the photos exactly as our trainer sees them at ``max_size``, their cameras and all sparse points.

    Raises:
        ValueError: a camera's principal point is not in the middle of its image.
        FitError: a photo cannot be read.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    entries = []
    for index, photo in enumerate(load_photos(frames, max_size, (1,))):
        name = f"images/{index:04d}.png"
        Image.fromarray(photo.levels[1].numpy()).save(folder / name)
        entries.append({"file_path": name, **_camera(photo)})
    _write_points(posed, folder / "points.ply")
    transforms = {"camera_model": "OPENCV", "ply_file_path": "points.ply", "frames": entries}
    (folder / "transforms.json").write_text(json.dumps(transforms, indent=1), encoding="utf-8")


def _camera(photo: Photo) -> dict[str, object]:
    k = photo.camera.intrinsics
    if max(abs(k.cx - k.width / 2), abs(k.cy - k.height / 2)) > MAX_OFF_CENTRE:
        raise ValueError(f"{photo.name}: principal point {k.cx:.1f}, {k.cy:.1f} is not the middle of the image")
    pose = photo.camera.world_from_camera @ OPENGL_FROM_OPENCV
    sizes = {"w": k.width, "h": k.height, "fl_x": k.fx, "fl_y": k.fy, "cx": k.cx, "cy": k.cy}
    return {**sizes, "transform_matrix": pose.tolist()}


def _write_points(posed: PosedCapture, path: Path) -> None:
    names = [*(f"property float {axis}" for axis in "xyz"), *(f"property uchar {c}" for c in ("red", "green", "blue"))]
    count = len(posed.points)
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}", *names, "end_header\n"]
    rows = np.zeros(count, dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    rows["xyz"], rows["rgb"] = posed.points, posed.point_colors
    path.write_bytes("\n".join(header).encode() + rows.tobytes())
