"""Photos become a posed capture."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from scan2sim.cameras import Camera
from scan2sim.capture import Capture
from scan2sim.errors import PosesError
from scan2sim.files import output_errors
from scan2sim.poses.account import least_sharp, tell_steps
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.depth import tell_unfit_depth, undistort_depth, usable_depth
from scan2sim.poses.ladder import Climb, climb
from scan2sim.poses.mapping import registered
from scan2sim.poses.metric import GUESS_SIGMA, into_metres
from scan2sim.poses.posed import PosedCapture, PosedFrame, Scale
from scan2sim.poses.scene_frame import SceneFrame, find_scene_frame
from scan2sim.poses.sparse import image_residuals, read_sparse, world_from_camera
from scan2sim.poses.undistort import undistort_frame
from scan2sim.poses.workspace import quiet_colmap
from scan2sim.progress import Reporter, silent

__all__ = ["solve_poses"]

MIN_CAMERAS = 4
LOUD_BELOW = 0.8
ADVICE = (
    "take more photos between the ones that are missing, so that neighbours share two thirds of the picture; hold the "
    "camera still, keep the scene unmoved, and have some texture in view"
)


def solve_poses(
    capture: Capture,
    folder: Path,
    config: PosesConfig = PosesConfig(),  # noqa: B008 (frozen)
    report: Reporter = silent,
) -> PosedCapture:
    """Find the cameras of a capture and put them into the scene frame; undistorted photos go to ``folder/images``.

    Metres and gravity come from what the frames carry (a sensor's poses, depth and gravity) and from the marker or
    sheet that ``config`` names (:func:`scan2sim.poses.metric.into_metres`).  Where there is nothing of the kind the
    median distance from camera to subject is taken as ``config.subject_distance``, with a relative sigma of 35 %.
    Frames without a camera are in ``unregistered``; ``warnings`` says what to do about it.

    Raises:
        PosesError: fewer than 4 photos can be placed.
        UsageError: ``config.marker`` is no marker.
        OutputError: ``folder`` cannot be written.
    """
    workspace = folder / "colmap"
    with output_errors(folder), quiet_colmap():
        try:
            result = climb(capture, workspace, config, report)
            posed = _posed_capture(capture, folder, result, config, report)
            frames = capture.frames
            if not capture.tracked:  # their unit and their axes are unknown
                frames = tuple(replace(frame, world_from_camera=None) for frame in frames)
            return into_metres(posed, frames, config, report)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def _posed_capture(
    capture: Capture, folder: Path, result: Climb, config: PosesConfig, report: Reporter
) -> PosedCapture:
    model, workspace = result.model, result.workspace
    indices = registered(workspace, model) if workspace is not None else []
    if model is None or workspace is None or len(indices) < MIN_CAMERAS:
        problem = (
            f"cameras were found for only {len(indices)} of {result.total} photos; at least {MIN_CAMERAS} are needed"
            f" ({tell_steps(result.steps)}; the least sharp photos are {', '.join(least_sharp(capture.frames))})"
        )
        raise PosesError(problem, todo=ADVICE)
    images = {model.images[image_id].name: model.images[image_id] for image_id in model.reg_image_ids()}
    posed = [(capture.frames[i], images[workspace.names[i]]) for i in indices]
    poses = [world_from_camera(image) for _, image in posed]
    sparse = read_sparse(model)
    scene_frame = find_scene_frame(sparse.points, sparse.observers, poses, config.subject_distance, config.seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    frames, unfit = [], []
    for (frame, image), pose in zip(posed, poses, strict=True):
        report("undistorting photos", len(frames), len(posed))
        lens = model.cameras[image.camera_id]
        path, intrinsics = undistort_frame(frame, lens, folder / "images")
        usable, problem = usable_depth(frame)
        if problem:
            unfit.append(f"{frame.name}: {problem}")
        sensor = undistort_depth(usable, lens, intrinsics, folder / "depth")
        residual = float(np.mean(image_residuals(model, image)))
        frames.append(PosedFrame(path, frame.name, Camera(intrinsics, scene_frame.pose(pose)), residual, *sensor))
    report("undistorting photos", len(posed), len(posed))
    names = {frame.name for frame in frames}
    missing = tuple(frame.name for frame in capture.frames if frame.name not in names)
    return PosedCapture(
        tuple(frames),
        scene_frame.points(sparse.points),
        sparse.colors,
        Scale("guess", GUESS_SIGMA),
        scene_frame.gravity,
        missing,
        tuple(result.steps),
        _warnings(missing, result.total, scene_frame) + result.warnings + tell_unfit_depth(unfit),
        sparse.observations({image.image_id: i for i, (_, image) in enumerate(posed)}),
    )


def _warnings(missing: tuple[str, ...], total: int, scene_frame: SceneFrame) -> tuple[str, ...]:
    warnings = []
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        found = total - len(missing)
        text = f"no camera was found for {len(missing)} of {total} photos: {shown}"
        if found < LOUD_BELOW * total:
            text = f"ONLY {found} OF {total} PHOTOS COULD BE PLACED. {text} → {ADVICE}"
        warnings.append(text)
    if scene_frame.gravity.source == "guess":
        warnings.append("no support plane was found under the subject; up is a guess → have the table in view")
    return tuple(warnings)
