"""nerfstudio: the photos with their cameras and sparse points as a data set that ``ns-train`` reads.

``transforms.json`` (docs.nerf.studio, "Data conventions") has ``world_from_camera`` in OpenGL's axes (x right, y up, z
back) and intrinsics in pixels; the world is the scene's frame, metres and z up, so ``applied_transform`` is the
identity and ``applied_scale`` 1.  nerfstudio itself turns, centres and shrinks poses unless told not to; the README
says how.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from scan2sim.cameras import Camera, Intrinsics
from scan2sim.errors import ExportError, SceneError
from scan2sim.export.record import export_folder, read_record, write_record
from scan2sim.files import output_errors, read_json, write_json
from scan2sim.scene import Scene, read_points, write_points

__all__ = ["check_nerfstudio", "write_nerfstudio"]

TRANSFORMS, POINTS = "transforms.json", "sparse_pc.ply"
OPENCV_FROM_OPENGL = np.diag([1.0, -1, -1, 1])
KEYS = {"fl_x": "fx", "fl_y": "fy", "cx": "cx", "cy": "cy", "w": "width", "h": "height"}
FEWEST_IN_SIGHT = 0.05  # of the sparse points, in the photo that sees the fewest
TODO = "export the scene again"

README = """# Photos with cameras, for nerfstudio

{photos} photos, {points} sparse points; metres, z up, in the frame of the scene that they come from. Nothing is turned,
centred or shrunk with

```
ns-train splatfacto --data . nerfstudio-data --orientation-method none --center-method none --auto-scale-poses False
```

so that splats exported by nerfstudio fit the scene as they are.
"""


def write_nerfstudio(scene: Scene, folder: Path, *, overwrite: bool = False) -> Path:
    """Write ``transforms.json``, ``images/``, ``sparse_pc.ply`` and ``export.json``; returns ``transforms.json``.

    Raises:
        ExportError: the scene has no photos, or the folder exists and may not be overwritten.
        OutputError: it cannot be written.
    """
    if not scene.images or len(scene.images) != len(scene.cameras):
        raise ExportError("the scene has no photos with cameras", todo="build it from photos, or choose another format")
    for image in scene.images:
        if not image.is_file():
            raise ExportError("the scene lacks this photo", path=image, todo="build or copy the scene again")
    data: dict[str, Any] = {
        "camera_model": "OPENCV",
        "applied_transform": np.eye(4)[:3],
        "applied_scale": 1.0,
        "ply_file_path": POINTS,
    }
    own = [_intrinsics(frame.camera.intrinsics) for frame in scene.cameras]
    shared = all(entry == own[0] for entry in own)
    frames = [
        {"file_path": frame.file, "transform_matrix": frame.camera.world_from_camera @ OPENCV_FROM_OPENGL}
        for frame in scene.cameras
    ]
    data |= own[0] if shared else {}
    data["frames"] = frames if shared else [frame | entry for frame, entry in zip(frames, own, strict=True)]
    with export_folder(folder, overwrite) as fresh:
        for frame, image in zip(scene.cameras, scene.images, strict=True):
            target = fresh / frame.file
            target.parent.mkdir(parents=True, exist_ok=True)
            with output_errors(target):
                shutil.copyfile(image, target)
        write_points(scene.points, scene.point_colors, fresh / POINTS)
        write_json(fresh / TRANSFORMS, data)
        text = README.format(photos=len(frames), points=len(scene.points))
        (fresh / "README.md").write_text(text, encoding="utf-8")
        write_record(scene, fresh, "nerfstudio", file=TRANSFORMS, photos=len(frames), points=len(scene.points))
    return folder / TRANSFORMS


def check_nerfstudio(folder: Path) -> dict[str, Any]:
    """Re-open the data set: are all photos there, in the size stated, and do their cameras see the sparse points?

    Returns:
        ``passed``, ``problems``, ``photos``, ``points``, ``in_sight`` (the least share of the points before a camera
        and inside its photo).

    Raises:
        ExportError: a file is missing, damaged, or lies outside the folder.
    """
    record, path = read_record(folder, "nerfstudio"), folder / TRANSFORMS
    data = read_json(path, ExportError)
    try:
        frames = [{**data, **frame} for frame in data["frames"]]
        cameras = [_camera(frame) for frame in frames]
        files = [_inside(folder, str(frame["file_path"])) for frame in frames]
        points, _ = read_points(_inside(folder, str(data["ply_file_path"])))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ExportError(f"the data set is not complete ({problem})", path=path, todo=TODO) from None
    except SceneError as problem:
        raise ExportError(problem.problem, path=problem.path, todo=TODO) from None
    problems = [text for camera, file in zip(cameras, files, strict=True) for text in _photo_problems(camera, file)]
    for found, key in ((len(frames), "photos"), (len(points), "points")):
        if found != record.get(key):
            problems.append(f"{found} {key} instead of {record.get(key)}")
    in_sight = [_share_in_sight(camera, points) for camera in cameras]
    if len(points):
        blind = [file.name for file, share in zip(files, in_sight, strict=True) if share < FEWEST_IN_SIGHT]
        problems += [f"{name}: its camera sees hardly any of the points" for name in blind]
    return {
        "passed": not problems,
        "problems": problems,
        "photos": len(frames),
        "points": len(points),
        "in_sight": round(min(in_sight, default=0.0), 3),
    }


def _intrinsics(intrinsics: Intrinsics) -> dict[str, float]:
    return {key: getattr(intrinsics, name) for key, name in KEYS.items()}


def _camera(frame: dict[str, Any]) -> Camera:
    pose = np.array(frame["transform_matrix"], dtype=float).reshape(4, 4)
    if not np.isfinite(pose).all():
        raise ValueError("a pose that is not finite")
    fx, fy, cx, cy = (float(frame[key]) for key in ("fl_x", "fl_y", "cx", "cy"))
    return Camera(Intrinsics(int(frame["w"]), int(frame["h"]), fx, fy, cx, cy), pose @ OPENCV_FROM_OPENGL)


def _inside(folder: Path, name: str) -> Path:
    file = PurePosixPath(name)
    if file.is_absolute() or ".." in file.parts or not (folder / file).resolve().is_relative_to(folder.resolve()):
        raise ExportError(f"the data set names {name!r}, which lies outside its folder", path=folder / TRANSFORMS)
    return folder / file


def _photo_problems(camera: Camera, file: Path) -> list[str]:
    size = camera.intrinsics.width, camera.intrinsics.height
    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as image:
            found = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        return [f"{file.name}: cannot be read ({type(problem).__name__})"]
    return [] if found == size else [f"{file.name}: {found[0]}×{found[1]} pixels instead of {size[0]}×{size[1]}"]


def _share_in_sight(camera: Camera, points: np.ndarray) -> float:
    if not len(points):
        return 1.0
    pixels, depth = camera.project(points)
    size = [camera.intrinsics.width, camera.intrinsics.height]
    return float(((depth > 0) & (pixels > 0).all(1) & (pixels < size).all(1)).mean())
