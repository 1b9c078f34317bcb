"""Pictures of a scene from given cameras: colours, object ids and depths, written as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scan2sim.cameras import Camera, CameraFrame
from scan2sim.errors import OutputError, PosesError, SceneError
from scan2sim.files import new_folder, output_errors
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Scene, scene_gaussians
from scan2sim.splats import Gaussians, rasterize

__all__ = ["Picture", "draw", "frame_stems", "render_scene"]

FOLDERS = ("rgb", "ids", "depth")
MAX_ID = 65_535
SOLID = 0.5  # a pixel has a depth when more than this of its weight says so


@dataclass(frozen=True)
class Picture:
    """What one camera sees."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    ids: NDArray[np.uint16]  # (H, W) the id whose blended weight is largest and over 0.5, else 0
    depth: NDArray[np.float32]  # (H, W) [m] along the camera's z, 0 = nothing there


def draw(
    gaussians: Gaussians,  # scene frame, with object ids
    camera: Camera,
    ids: Sequence[int],
) -> Picture:
    """Draw Gaussians over black; what belongs to none of ``ids`` counts as background."""
    owner = gaussians.object_ids
    if owner is None:
        raise ValueError("the Gaussians carry no object ids")
    rows = torch.zeros_like(owner)  # ids may be too large for the rasterizer to count up to
    for row, number in enumerate(ids, start=1):
        rows[owner == number] = row
    with torch.no_grad():
        drawn = rasterize(gaussians.with_ids(rows), [camera], ids=bool(ids))
    height, width = camera.intrinsics.height, camera.intrinsics.width
    rgb = (drawn.colors[0].clamp(0, 1) * 255).round().byte().cpu().numpy()
    alpha = drawn.alphas[0].reshape(height, width)
    depth = torch.where(alpha > SOLID, drawn.depths[0].reshape(height, width), 0.0).float().cpu().numpy()
    label = np.zeros((height, width), np.uint16)
    if drawn.ids is not None:
        label = np.array([0, *ids], np.uint16)[drawn.ids[0].cpu().numpy()]
    return Picture(rgb, label, depth)


def frame_stems(frames: Sequence[CameraFrame]) -> tuple[str, ...]:
    """File name stems of the pictures: the photo's own, with its folders in front where two are equal.

    Raises:
        PosesError: two frames have the same file, or one has no name.
    """
    paths = [PurePosixPath(frame.file.replace("\\", "/")) for frame in frames]
    plain = [path.stem for path in paths]
    stems = tuple(
        stem
        if plain.count(stem) == 1
        else "-".join([*(p for p in path.parent.parts if p not in ("..", "/", ".")), stem])
        for path, stem in zip(paths, plain, strict=True)
    )
    for frame, stem in zip(frames, stems, strict=True):
        if not stem.strip(".") or stems.count(stem) > 1:
            raise PosesError(f"the frame “{frame.file}” has no name of its own", todo="give every frame another file")
    return stems


def render_scene(
    scene: Scene,
    frames: Sequence[CameraFrame],
    folder: Path,
    *,
    ids: bool = False,
    depth: bool = False,
    without: Sequence[str] = (),
    report: Reporter = silent,
) -> tuple[str, ...]:
    """Write ``rgb/<stem>.png`` and, where asked for, ``ids/<stem>.png`` (16 bit) and ``depth/<stem>.npy`` (float32).

    Cameras are pinholes: distortion in ``frames`` is not applied.  The folder appears as a whole; an earlier
    rendering there is replaced.

    Args:
        scene: what is shown.
        frames: the cameras; their files name the pictures.
        folder: where the pictures go.
        ids: write object ids too.
        depth: write depths too.
        without: names of objects to leave out, or ``all``.
        report: told about progress.

    Returns:
        The stems of the pictures, in the order of the frames.

    Raises:
        SceneError: ``without`` names an object that the scene does not have, or an id is too large for a picture.
        PosesError: two frames have the same name.
        OutputError: the folder holds something else, or cannot be written.
    """
    stems = frame_stems(frames)
    if ids and any(thing.id > MAX_ID for thing in scene.objects):
        raise SceneError(f"an object has an id over {MAX_ID}, which a 16-bit picture cannot hold")
    with output_errors(folder):
        present = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    if not present <= set(FOLDERS):
        strange = sorted(present - set(FOLDERS))[0]
        raise OutputError(
            f"the folder holds “{strange}”, which is no rendering", path=folder, todo="choose another with -o"
        )
    hidden = [thing.name for thing in scene.objects] if "all" in without else list(without)
    gaussians = scene_gaussians(scene, without=hidden)
    numbers = [thing.id for thing in scene.objects if thing.name not in hidden] if ids else []
    with new_folder(folder) as fresh:
        for name, wanted in zip(FOLDERS, (True, ids, depth), strict=True):
            if wanted:
                (fresh / name).mkdir()
        for done, (frame, stem) in enumerate(zip(frames, stems, strict=True), start=1):
            picture = draw(gaussians, frame.camera, numbers)
            Image.fromarray(picture.rgb).save(fresh / "rgb" / f"{stem}.png")
            if ids:
                Image.fromarray(picture.ids).save(fresh / "ids" / f"{stem}.png")
            if depth:
                np.save(fresh / "depth" / f"{stem}.npy", picture.depth)
            report("rendering", done, len(frames))
    return stems
