"""Pictures of a scene from given cameras: colours, object ids and depths, written as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from scan2sim.cameras import CameraFrame
from scan2sim.errors import OutputError, PosesError, SceneError
from scan2sim.files import new_folder, output_errors
from scan2sim.progress import Reporter, silent
from scan2sim.scene import Scene, draw, scene_gaussians

__all__ = ["frame_stems", "render_scene"]

FOLDERS = ("rgb", "ids", "depth")
MAX_ID = 65_535


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
