"""A capture becomes a scene on disk: the one call behind ``scan2sim build``."""

from __future__ import annotations

from pathlib import Path

from scan2sim.pipeline.config import BuildConfig
from scan2sim.pipeline.corridor import Corridor
from scan2sim.pipeline.runner import run_stages
from scan2sim.pipeline.stage import StageRecord
from scan2sim.progress import Reporter, silent

__all__ = ["build_capture"]


def build_capture(
    source: Path,
    build: Path,
    config: BuildConfig,
    *,
    start: str | None = None,
    until: str | None = None,
    report: Reporter = silent,
) -> tuple[StageRecord, ...]:
    """Bring the build of a capture up to date; what is unchanged is skipped, what was killed goes on.

    Args:
        source: a folder of photos, a zip, a video, or a file of finished splats.
        build: the build folder; ``build/scene`` is the product.
        config: settings of every stage.
        start: run again from this stage on.
        until: stop after this stage.
        report: told about progress.

    Raises:
        Scan2SimError: the input cannot be used, or the output cannot be written; the message says what to do.
    """
    return run_stages(build, Corridor(source, build, config).stages(), start=start, until=until, report=report)
