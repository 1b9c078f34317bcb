"""Gaussians of an earlier training are carried into the frame of new poses."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from scan2sim.errors import FitError
from scan2sim.geometry import similarity_between
from scan2sim.poses import PosedCapture
from scan2sim.splats import Gaussians, rotate_gaussians

__all__ = ["align_start"]

MIN_SHARED = 3
MIN_SPREAD = 0.02  # second over first extent of the shared cameras' centres: less is a line
MAX_MISS = 0.05  # of the cameras' spread, median over shared photos
MAX_TURN_DEG = 5.0  # median over shared photos
TODO = "build without --warm-start, or from a build that shares more photos"


def align_start(
    gaussians: Gaussians,  # in the earlier frame
    earlier: PosedCapture,
    now: PosedCapture,
    shared: Collection[str],  # names of frames that are the same photo in both
) -> Gaussians:  # in the frame of ``now``
    """Move, turn and scale Gaussians by the similarity between the centres of the cameras that both captures have.

    Raises:
        FitError: fewer than 3 shared photos have cameras in both, their cameras stand in a line, or the two sets of
            cameras do not fit each other.
    """
    before = {frame.name: frame.camera.world_from_camera for frame in earlier.frames if frame.name in shared}
    after = {frame.name: frame.camera.world_from_camera for frame in now.frames if frame.name in before}
    if len(after) < MIN_SHARED:
        raise FitError(
            f"the earlier build and this one share {len(after)} photos with cameras; at least {MIN_SHARED} are needed",
            todo=TODO,
        )
    source, target = np.stack([before[name] for name in after]), np.stack(list(after.values()))
    for poses in (source, target):
        extents = np.linalg.svd(poses[:, :3, 3] - poses[:, :3, 3].mean(0), compute_uv=False)
        if extents[1] <= MIN_SPREAD * extents[0]:
            raise FitError(f"the cameras of the {len(after)} shared photos stand in a line", todo=TODO)
    scale, rotation, translation = similarity_between(source[:, :3, 3], target[:, :3, 3])
    moved = scale * source[:, :3, 3] @ rotation.T + translation
    spread = np.linalg.norm(target[:, :3, 3] - target[:, :3, 3].mean(0), axis=1).mean()
    miss = float(np.median(np.linalg.norm(moved - target[:, :3, 3], axis=1)) / spread)
    turns = np.einsum("cji,cjk->cik", target[:, :3, :3], rotation @ source[:, :3, :3])
    cosines = (np.trace(turns, axis1=1, axis2=2) - 1) / 2
    turn = float(np.median(np.degrees(np.arccos(np.clip(cosines, -1, 1)))))
    if miss > MAX_MISS or turn > MAX_TURN_DEG:
        raise FitError(
            f"the cameras of the {len(after)} shared photos do not fit each other: they miss by {100 * miss:.0f} % of "
            f"their spread and {turn:.0f}° (median)",
            todo=TODO,
        )
    now_from_earlier = np.eye(4)
    now_from_earlier[:3, :3], now_from_earlier[:3, 3] = scale * rotation, translation
    return rotate_gaussians(gaussians, now_from_earlier)
