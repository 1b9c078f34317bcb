"""From matches to cameras and points: COLMAP's incremental and global mappers."""

from __future__ import annotations

from pathlib import Path

import pycolmap

from scan2sim.poses.config import PosesConfig
from scan2sim.poses.workspace import Workspace, thread_count
from scan2sim.progress import Reporter

__all__ = ["better_model", "continue_mapping", "global_mapping", "incremental_mapping", "registered"]

MIN_POINTS = 12  # a camera that sees fewer sparse points is not believed


def incremental_mapping(workspace: Workspace, config: PosesConfig, report: Reporter) -> pycolmap.Reconstruction | None:
    """Camera by camera from a good first pair (Schönberger and Frahm 2016, "Structure-from-Motion Revisited")."""
    options = _incremental_options(workspace, config)
    name = "incremental-held" if workspace.held else "incremental"
    return _run_incremental(workspace, options, name, None, report)


def continue_mapping(
    workspace: Workspace, model: pycolmap.Reconstruction, config: PosesConfig, report: Reporter
) -> pycolmap.Reconstruction | None:
    """Place the cameras that ``model`` lacks, from fewer matches than a model is started with."""
    start = workspace.fresh("start")
    model.write(start)
    options = _incremental_options(workspace, config)
    options.multiple_models = False
    options.min_num_matches = 12
    options.mapper.abs_pose_min_num_inliers = 20
    options.structure_less_registration_fallback = False  # without points to hold on to, too few matches mislead
    return _run_incremental(workspace, options, "continued", start, report)


def _incremental_options(workspace: Workspace, config: PosesConfig) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = thread_count(config)
    options.random_seed = options.mapper.random_seed = options.triangulation.random_seed = config.seed
    options.min_model_size = 3
    options.constant_cameras = set(workspace.held)
    return options


def _run_incremental(
    workspace: Workspace,
    options: pycolmap.IncrementalPipelineOptions,
    name: str,
    start: Path | None,
    report: Reporter,
) -> pycolmap.Reconstruction | None:
    placed, total = 0, len(workspace.frames)

    def next_image() -> None:
        nonlocal placed
        placed = min(placed + 1, total)
        report("placing cameras", placed, total)

    models = pycolmap.incremental_mapping(
        workspace.database,
        workspace.images,
        workspace.fresh(name),
        options,
        input_path=start or "",
        next_image_callback=next_image,
    )
    return _best(models)


def global_mapping(workspace: Workspace, config: PosesConfig, report: Reporter) -> pycolmap.Reconstruction | None:
    """All cameras at once (Pan et al. 2024, "Global Structure-from-Motion Revisited")."""
    total = len(workspace.frames)
    report("placing all cameras", 0, total)
    options = pycolmap.GlobalPipelineOptions()
    options.num_threads = options.mapper.num_threads = thread_count(config)
    options.random_seed = options.mapper.random_seed = config.seed
    options.mapper.rotation_averaging.random_seed = config.seed
    options.mapper.global_positioning.random_seed = config.seed
    options.mapper.retriangulation.random_seed = config.seed
    models = pycolmap.global_mapping(workspace.database, workspace.images, workspace.fresh("global"), options)
    report("placing all cameras", total, total)
    return _best(models)


def _best(models: dict[int, pycolmap.Reconstruction]) -> pycolmap.Reconstruction | None:
    best = None
    for _, model in sorted(models.items()):
        for image_id in model.reg_image_ids():
            image = model.images[image_id]
            if image.num_points3D < MIN_POINTS:
                model.deregister_frame(image.frame_id)
        best = better_model(best, model)
    return best


def better_model(
    one: pycolmap.Reconstruction | None, other: pycolmap.Reconstruction | None
) -> pycolmap.Reconstruction | None:
    """The model with more cameras, then with the smaller reprojection error."""
    if one is None or other is None:
        return one or other

    def quality(model: pycolmap.Reconstruction) -> tuple[int, float]:
        return model.num_reg_images(), -model.compute_mean_reprojection_error()

    return other if quality(other) > quality(one) else one


def registered(workspace: Workspace, model: pycolmap.Reconstruction | None) -> list[int]:
    """Indices of the frames that have a camera in the model, ascending."""
    if model is None:
        return []
    index = {name: i for i, name in enumerate(workspace.names)}
    return sorted(index[model.images[image_id].name] for image_id in model.reg_image_ids())
