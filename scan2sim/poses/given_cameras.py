"""Cameras that a person gives in a cameras.json take the place of solving for them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pycolmap

from scan2sim.cameras import Camera, CameraFrame, Distortion, read_cameras
from scan2sim.capture import Capture, Frame
from scan2sim.errors import PosesError
from scan2sim.files import output_errors
from scan2sim.geometry import inverse_transform
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.depth import tell_unfit_depth, undistort_depth, usable_depth
from scan2sim.poses.features import FeatureEffort, add_camera_and_images, extract_features
from scan2sim.poses.lenses import LENS_MODELS, lens_parameters
from scan2sim.poses.matching import MatchEffort, match_features
from scan2sim.poses.pairs import choose_pairs
from scan2sim.poses.posed import Gravity, PosedCapture, PosedFrame, Scale
from scan2sim.poses.sparse import image_residuals, read_sparse
from scan2sim.poses.undistort import undistort_frame
from scan2sim.poses.workspace import Workspace, open_workspace, quiet_colmap, thread_count
from scan2sim.progress import Reporter, silent

__all__ = ["use_cameras"]

MIN_CAMERAS = 4
MIN_POINTS = 20
SCALE_SIGMA = 0.01  # cameras.json is in metres by definition; nobody measures better than this
GRAVITY_SIGMA_DEG = 1.0
SAME_SHAPE = 0.01  # relative difference of aspect ratios


def use_cameras(
    capture: Capture,
    cameras_file: Path,
    folder: Path,
    report: Reporter = silent,
    config: PosesConfig = PosesConfig(),  # noqa: B008 (frozen)
) -> PosedCapture:
    """Take the cameras of a capture from a cameras.json, whose frame becomes the scene frame as it is.

    Frames and entries are matched by file name, then by stem.  Intrinsics are scaled to the working images, photos
    with ``distortion`` are undistorted into ``folder/images``, and sparse points are triangulated with the given poses.

    Raises:
        PosesError: the file is no cameras.json, fewer than 4 frames have an entry, an entry does not fit its photo, or
            the photos do not agree with the cameras.
        OutputError: ``folder`` cannot be written.
    """
    entries = _entries_of(capture.frames, read_cameras(cameras_file), cameras_file)
    frames = tuple(frame for frame in capture.frames if frame.name in entries)
    lenses = [_lens(entries[frame.name], frame, cameras_file) for frame in frames]
    poses = [entries[frame.name].camera.world_from_camera for frame in frames]
    colmap = folder / "colmap"
    with output_errors(folder), quiet_colmap():
        try:
            workspace = open_workspace(colmap, frames)
            model = _triangulate(workspace, poses, lenses, config, report)
            if model.num_points3D() < MIN_POINTS:
                raise PosesError(
                    f"only {model.num_points3D()} sparse points agree with these cameras and the photos",
                    path=cameras_file,
                    todo="check that world_from_camera is of an OpenCV camera (x right, y down, z forward)",
                )
            (folder / "images").mkdir(parents=True, exist_ok=True)
            images = {model.images[image_id].name: model.images[image_id] for image_id in model.reg_image_ids()}
            posed, unfit = [], []
            for frame, name, pose, lens in zip(frames, workspace.names, poses, lenses, strict=True):
                report("undistorting photos", len(posed), len(frames))
                path, intrinsics = undistort_frame(frame, lens, folder / "images")
                errors = image_residuals(model, images[name])
                residual = float(np.mean(errors)) if len(errors) else float("nan")
                usable, problem = usable_depth(frame)
                if problem:
                    unfit.append(f"{frame.name}: {problem}")
                sensor = undistort_depth(usable, lens, intrinsics, folder / "depth")
                posed.append(PosedFrame(path, frame.name, Camera(intrinsics, pose), residual, *sensor))
            report("undistorting photos", len(frames), len(frames))
        finally:
            shutil.rmtree(colmap, ignore_errors=True)
    sparse = read_sparse(model)
    missing = tuple(frame.name for frame in capture.frames if frame.name not in entries)
    warnings = []
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        warnings.append(f"{cameras_file.name} has no entry for {len(missing)} of {len(capture.frames)} photos: {shown}")
    error = model.compute_mean_reprojection_error() if len(sparse.points) else None
    step = {"name": "given cameras", "registered": len(posed), "total": len(capture.frames), "error_px": error}
    return PosedCapture(
        tuple(posed),
        sparse.points,
        sparse.colors,
        Scale("cameras", SCALE_SIGMA),
        Gravity("cameras", GRAVITY_SIGMA_DEG),
        missing,
        (step,),
        tuple(warnings) + tell_unfit_depth(unfit),
        sparse.observations({images[name].image_id: i for i, name in enumerate(workspace.names)}),
    )


def _entries_of(frames: tuple[Frame, ...], entries: tuple[CameraFrame, ...], path: Path) -> dict[str, CameraFrame]:
    """The entry of each frame, by file name or else by stem; only unambiguous matches count."""
    by_name: dict[str, list[CameraFrame]] = defaultdict(list)
    by_stem: dict[str, list[CameraFrame]] = defaultdict(list)
    for entry in entries:
        file = PurePosixPath(entry.file)
        by_name[file.name].append(entry)
        by_stem[file.stem].append(entry)
    found = {}
    for frame in frames:
        candidates = by_name[frame.name] or by_stem[PurePosixPath(frame.name).stem]
        if len(candidates) > 1:
            raise PosesError(f"{len(candidates)} entries for {frame.name}", path=path, todo="give each photo one entry")
        if candidates:
            found[frame.name] = candidates[0]
    if len(found) < MIN_CAMERAS:
        raise PosesError(
            f"only {len(found)} of {len(frames)} photos have an entry (photos: {frames[0].name}, …; "
            f"entries: {entries[0].file}, …); at least {MIN_CAMERAS} are needed",
            path=path,
            todo="make each entry's “file” the name of its photo",
        )
    return found


def _lens(entry: CameraFrame, frame: Frame, path: Path) -> pycolmap.Camera:
    """COLMAP's camera for an entry, at the size of the working image."""
    given = entry.camera.intrinsics
    if abs(given.width * frame.height / (given.height * frame.width) - 1) > SAME_SHAPE:
        raise PosesError(
            f"{frame.name} is {frame.width}×{frame.height}, its camera {given.width}×{given.height}: another shape",
            path=path,
            todo="give the intrinsics of the upright photo",
        )
    k = given.resized(frame.width, frame.height)
    distortion = entry.distortion or Distortion("PINHOLE", ())
    focals, count = LENS_MODELS.get(distortion.model, (0, -1))
    if count != len(distortion.params) or not np.isfinite(distortion.params).all():
        known = ", ".join(f"{name} ({count})" for name, (_, count) in LENS_MODELS.items())
        message = (
            f"{entry.file}: distortion {distortion.model} with {len(distortion.params)} parameters; known are {known}"
        )
        raise PosesError(message, path=path, todo="use COLMAP's model names, without focal lengths and centre")
    if focals == 1 and abs(k.fx / k.fy - 1) > SAME_SHAPE:
        raise PosesError(
            f"{entry.file}: {distortion.model} has one focal length, but fx {k.fx:g} and fy {k.fy:g}", path=path
        )
    parameters = list(lens_parameters(k, distortion))
    return pycolmap.Camera(model=distortion.model, width=k.width, height=k.height, params=parameters)


def _triangulate(
    workspace: Workspace,
    poses: list[np.ndarray],
    lenses: list[pycolmap.Camera],
    config: PosesConfig,
    report: Reporter,
) -> pycolmap.Reconstruction:
    """Sparse points of the given cameras, which stay as they are."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, lens in enumerate(lenses):
        groups[lens.model_name, lens.width, lens.height, *map(float, lens.params)].append(i)
    for indices in groups.values():
        lens = lenses[indices[0]]
        params = ",".join(repr(float(value)) for value in lens.params)
        add_camera_and_images(workspace, lens.model_name, params, tuple(indices))
    pycolmap.set_random_seed(config.seed)
    extract_features(workspace, config, FeatureEffort(), report)
    match_features(workspace, choose_pairs(len(poses), config.exhaustive_up_to), config, MatchEffort(), report)
    model = pycolmap.Reconstruction()
    with pycolmap.Database.open(workspace.database) as database:
        for camera in database.read_all_cameras():
            model.add_camera_with_trivial_rig(camera)
        pose_of = dict(zip(workspace.names, poses, strict=True))
        for image in database.read_all_images():
            camera_from_world = pycolmap.Rigid3d(inverse_transform(pose_of[image.name])[:3])
            blank = pycolmap.Image(name=image.name, camera_id=image.camera_id, image_id=image.image_id)
            model.add_image_with_trivial_frame(blank, camera_from_world)
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = thread_count(config)
    options.random_seed = options.mapper.random_seed = options.triangulation.random_seed = config.seed
    report("triangulating points", 0, 1)
    output = workspace.fresh("triangulated")
    model = pycolmap.triangulate_points(model, workspace.database, workspace.images, output, options=options)
    report("triangulating points", 1, 1)
    return model
