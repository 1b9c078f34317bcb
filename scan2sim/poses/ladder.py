"""A ladder of ever more effort that is climbed until the cameras are found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pycolmap

from scan2sim.capture import Capture
from scan2sim.poses.config import PosesConfig
from scan2sim.poses.features import FeatureEffort, add_lenses, extract_features
from scan2sim.poses.lenses import group_by_lens
from scan2sim.poses.mapping import better_model, continue_mapping, global_mapping, incremental_mapping, registered
from scan2sim.poses.matching import MatchEffort, match_features
from scan2sim.poses.pairs import choose_pairs
from scan2sim.poses.stated_lenses import settle_lenses
from scan2sim.poses.workspace import Workspace, open_workspace
from scan2sim.progress import Reporter

__all__ = ["Climb", "climb"]

THOROUGH = FeatureEffort(upsample=True, affine=True)
CAREFUL = MatchEffort(max_ratio=0.9, min_inliers=12, guided=True)
PARTNERS = 4  # of a missing frame: nearest in capture order, and as many with the most matches
GUIDED_PAIRS = 80  # at most
UNFIT_LENS = (
    "the stated intrinsics and distortion do not fit these photos, of which more could be placed without them → check "
    "that they belong to photos of this size"
)


@dataclass
class Climb:
    """The best model so far and what each rung gave."""

    total: int
    model: pycolmap.Reconstruction | None = None
    workspace: Workspace | None = None  # of the best model
    steps: list[dict[str, Any]] = field(default_factory=list)
    warnings: tuple[str, ...] = ()

    def attempt(self, name: str, workspace: Workspace, step: Callable[[], pycolmap.Reconstruction | None]) -> None:
        """Take one step, record it, and keep its model if it is the best."""
        begin = time.monotonic()
        model = step()
        self.record(name, begin, model, workspace)
        if better_model(self.model, model) is model and model is not None:
            self.model, self.workspace = model, workspace

    def record(self, name: str, begin: float, model: pycolmap.Reconstruction | None, workspace: Workspace) -> None:
        """Note what a step gave."""
        count = len(registered(workspace, model))
        error = model.compute_mean_reprojection_error() if model is not None and count else None
        seconds = round(time.monotonic() - begin, 2)
        step = {"name": name, "registered": count, "total": self.total, "error_px": error, "seconds": seconds}
        self.steps.append(step)

    @property
    def share(self) -> float:
        """Share of frames that have a camera in the best model."""
        return self.model.num_reg_images() / self.total if self.model else 0.0


def climb(capture: Capture, folder: Path, config: PosesConfig, report: Reporter) -> Climb:
    """Find cameras and sparse points.

    Rungs, each only if the ones before left frames without a camera: the incremental mapper, with lenses as they are
    stated; where they are, the same with lenses to be found; the global mapper on the same matches; the missing frames
    matched with their likeliest partners along epipolar lines and added to the best model; and, below
    ``config.enough``, all again with finer, affine features.  The best model is kept: the one with most cameras, then
    with the smallest error.  Stated lenses are refined at the end (``settle_lenses``).
    """
    result = Climb(len(capture.frames))
    _climb_with(FeatureEffort(), "", result, capture, folder / "quick", config, report)
    if result.share < config.enough:
        _climb_with(THOROUGH, "thorough ", result, capture, folder / "thorough", config, report)
    if result.model is not None and result.workspace is not None:
        if result.workspace.held:
            result.model, result.warnings = settle_lenses(result.model, result.workspace.held)
        elif any(frame.intrinsics is not None for frame in capture.frames):
            result.warnings = (UNFIT_LENS,)
    return result


def _climb_with(
    effort: FeatureEffort,
    prefix: str,
    result: Climb,
    capture: Capture,
    folder: Path,
    config: PosesConfig,
    report: Reporter,
) -> None:
    pycolmap.set_random_seed(config.seed)
    begin = time.monotonic()
    workspace = open_workspace(folder, capture.frames)
    workspace = add_lenses(workspace, group_by_lens(capture.frames))
    extract_features(workspace, config, effort, report)
    result.record(f"{prefix}features", begin, None, workspace)
    begin = time.monotonic()
    match_features(workspace, choose_pairs(result.total, config.exhaustive_up_to), config, MatchEffort(), report)
    result.record(f"{prefix}matching", begin, None, workspace)
    result.attempt(f"{prefix}incremental", workspace, lambda: incremental_mapping(workspace, config, report))
    if workspace.held and result.share < 1:
        free = replace(workspace, held=())
        result.attempt(f"{prefix}incremental, lens free", free, lambda: incremental_mapping(free, config, report))
    if result.share < 1:
        result.attempt(f"{prefix}global", workspace, lambda: global_mapping(workspace, config, report))
    model = result.model
    base = result.workspace
    if model is not None and base is not None and result.share < 1 and base.folder == workspace.folder:
        result.attempt(f"{prefix}guided", base, lambda: _guided(base, model, config, report))


def _guided(
    workspace: Workspace, model: pycolmap.Reconstruction, config: PosesConfig, report: Reporter
) -> pycolmap.Reconstruction | None:
    """Match the missing frames with more care, now that their lens is known, and add them to the model."""
    present = registered(workspace, model)
    missing = sorted(set(range(len(workspace.frames))) - set(present))
    with pycolmap.Database.open(workspace.database) as database:
        for camera in database.read_all_cameras():
            if camera.camera_id in model.cameras:
                camera.params = [float(value) for value in model.cameras[camera.camera_id].params]
                camera.has_prior_focal_length = True
                database.update_camera(camera)
        ids = {image.name: image.image_id for image in database.read_all_images()}
        numbers = [ids[name] for name in workspace.names]
        partners = max(1, min(PARTNERS, GUIDED_PAIRS // len(missing) // 2))
        pairs = set()
        for i in missing:
            matches = {j: len(database.read_matches(numbers[i], numbers[j])) for j in present}
            near = sorted(present, key=lambda j: (abs(i - j), j))[:partners]
            alike = sorted(present, key=lambda j: (-matches[j], j))[:partners]
            pairs |= {(min(i, j), max(i, j)) for j in (*near, *alike)}
    match_features(workspace, sorted(pairs), config, CAREFUL, report)
    return continue_mapping(workspace, model, config, report)
