"""Seconds per training step, ours and OpenSplat's: forward, loss with SSIM, backward, optimizer; full resolution."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from opensplat_dataset import write_dataset
from opensplat_peer import PeerSettings, run_opensplat

from scan2sim.fit import DensifyConfig, FitConfig, train
from scan2sim.poses import PosedCapture

__all__ = ["our_step_seconds", "their_step_seconds"]

WARM_UPS = 4  # steps at the start that do not count


def our_step_seconds(posed: PosedCapture, max_size: int, steps: int) -> tuple[float, int]:
    """Median seconds of a step from the sparse points on, SH of degree 3, nothing added; and the Gaussians."""
    config = replace(
        FitConfig(),
        steps=steps + WARM_UPS,
        max_gaussians=2 * len(posed.points) + 2,  # so that all points are taken
        max_size=max_size,
        sh_degree=3,
        coarse_to_fine=((0.0, 1),),
        densify=DensifyConfig(start=2.0, until=2.0),  # shares of the training that never come
        hold_out_every=0,
        checkpoint_seconds=1e9,
    )
    ends: list[float] = []

    def note(what: str, done: int, total: int) -> None:
        if total == config.steps:
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        result = train(posed, Path(folder), config, note)
    return _median_step(ends), len(result.gaussians)


def their_step_seconds(binary: Path, posed: PosedCapture, max_size: int, steps: int, threads: int) -> tuple[float, int]:
    """The same of OpenSplat."""
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(posed, posed.frames, Path(folder) / "data", max_size)
        settings = PeerSettings.for_timing(steps + WARM_UPS)
        run = run_opensplat(binary, Path(folder) / "data", Path(folder) / "out", settings, threads)
    return _median_step(list(run.step_ends)), len(posed.points)


def _median_step(ends: list[float]) -> float:
    return statistics.median([b - a for a, b in pairwise(ends)][WARM_UPS - 1 :])
