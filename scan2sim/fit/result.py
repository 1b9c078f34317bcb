"""What training leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scan2sim.errors import FitError
from scan2sim.files import read_json, write_json
from scan2sim.splats import Gaussians, read_ply, write_ply

__all__ = ["FitResult", "load_fit", "save_fit"]


@dataclass(frozen=True)
class FitResult:
    """Trained Gaussians in the scene frame, and how good they are."""

    gaussians: Gaussians
    figures: dict[str, Any]  # held_out_psnr [dB], held_out_ssim, held_out_views, gaussians, steps, …


def save_fit(result: FitResult, folder: Path) -> FitResult:
    """Write ``splats.ply`` and ``fit.json``; returns the result as :func:`load_fit` would."""
    write_ply(result.gaussians, folder / "splats.ply")
    write_json(folder / "fit.json", result.figures)
    return load_fit(folder)


def load_fit(folder: Path) -> FitResult:
    """Read what :func:`save_fit` wrote.

    Raises:
        FitError, SceneError: a file is missing or damaged.
    """
    return FitResult(read_ply(folder / "splats.ply"), read_json(folder / "fit.json", FitError))
