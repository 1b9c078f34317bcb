"""Splats that somebody has trained elsewhere enter at the objects stage: what the stages before it do instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scan2sim.capture import Capture, CaptureConfig, save_capture
from scan2sim.errors import PosesError, UsageError
from scan2sim.files import read_json, write_json
from scan2sim.fit import FitResult, save_fit
from scan2sim.pipeline.config import BuildConfig
from scan2sim.pipeline.describe import describe_poses
from scan2sim.pipeline.stage import Outcome
from scan2sim.poses import PosesConfig, direction_of, look_at_splats, save_posed
from scan2sim.progress import Reporter
from scan2sim.splats import count_splats, read_ply, read_splats, rotate_gaussians, write_ply

__all__ = ["SPLATS_SOURCE", "check_options", "is_finished", "keep_splats", "place_cameras", "read_finished"]

SPLATS_SOURCE = "splats"  # Capture.source
GIVEN = "splats.ply"
FRAME = "scene_from_splats.json"
FEWEST = 1000


def is_finished(source: Path) -> bool:
    """Whether a path is a file of finished splats, told by its content.

    Raises:
        SceneError: it is a PLY or SPZ whose header is damaged.
    """
    return source.is_file() and count_splats(source) is not None


def check_options(config: BuildConfig, *, finished: bool) -> None:
    """See that no option was given that means nothing for this input.

    Raises:
        UsageError: one was.
    """
    poses = config.poses
    with_photos = {
        "--cameras": config.cameras,
        "--warm-start": config.warm_start,
        "--marker": poses.marker,
        "--sheet": poses.sheet,
    }
    with_splats = {"--up": poses.up, "--unit": poses.unit}
    given = [name for name, value in (with_photos if finished else with_splats).items() if value is not None]
    if given and finished:
        raise UsageError(f"{given[0]} needs photos, but these are finished splats", todo="leave it out")
    if given:
        raise UsageError(f"{given[0]} is for finished splats, but this is a capture", todo="leave it out")
    if poses.up is not None:
        direction_of(poses.up)
    if poses.unit is not None and not 0 < poses.unit < np.inf:
        raise UsageError(f"--unit {poses.unit}: expected a length in metres over 0", todo="give how long one unit is")


def read_finished(source: Path, folder: Path, config: CaptureConfig) -> Outcome:
    """Keep the splats as a PLY file, in their own frame, beside a capture without frames.

    Raises:
        UsageError: more Gaussians than ``config.max_splats``, or hardly any; said before any is read.
        SceneError: the file is cut off or damaged.
    """
    claimed = count_splats(source) or 0
    if not FEWEST <= claimed <= config.max_splats:
        problem = f"{claimed} Gaussians; {FEWEST} to {config.max_splats} are read"
        raise UsageError(problem, path=source, todo="raise --capture.max-splats, or give splats of one scene")
    write_ply(read_splats(source).with_ids(None), folder / GIVEN)
    save_capture(Capture((), SPLATS_SOURCE), folder)
    warning = (
        "finished splats, no photos: nothing was trained, cameras were placed around them, and what they show was "
        "believed, though nobody knows which of it a photo saw"
    )
    return Outcome({"source": SPLATS_SOURCE, "given_gaussians": claimed}, (warning,))


def place_cameras(given: Path, folder: Path, config: PosesConfig, report: Reporter) -> Outcome:
    """Find the scene frame of the splats in the folder ``given``, and draw them from cameras all around."""
    posed, scene_from_splats = look_at_splats(read_ply(given / GIVEN), folder, config, report)
    save_posed(posed, folder)
    write_json(folder / FRAME, scene_from_splats)
    figures = describe_poses(posed).figures
    shown = {
        "pictures": f"{len(posed.frames)}, rendered from the splats",
        "up": f"from {posed.gravity.source} ± {posed.gravity.sigma_deg:.1f}°",
        "metres": f"{posed.scale.source} ± {posed.scale.relative_sigma:.0%}",
    }
    write_json(folder / "report.json", {"title": "Finished splats: how they were looked at", "figures": shown})
    return Outcome(
        {name: figures[name] for name in figures if name not in ("registered", "reprojection_px", "sparse_points")}
        | {"rendered_views": len(posed.frames)},
        posed.warnings,
    )


def keep_splats(given: Path, posed: Path, folder: Path) -> Outcome:
    """Carry the splats into the scene frame; nothing is trained, and nothing is judged.

    Raises:
        PosesError: the poses stage left no proper transform.
    """
    scene_from_splats = np.array(read_json(posed / FRAME, PosesError), dtype=np.float64)
    gaussians = rotate_gaussians(read_ply(given / GIVEN), scene_from_splats)
    figures = {"gaussians": len(gaussians), "trained": False}
    return Outcome(save_fit(FitResult(gaussians, figures), folder).figures)
