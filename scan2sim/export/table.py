"""The table of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scan2sim.export.gymnasium_export import check_gymnasium, write_gymnasium
from scan2sim.export.mjcf import check_mjcf, write_mjcf
from scan2sim.scene import Scene

__all__ = ["EXPORTERS", "Exporter"]


@dataclass(frozen=True)
class Exporter:
    """One format."""

    description: str
    write: Callable[[Scene, Path, str, bool], Path]  # scene, folder, the scene's name, overwrite → what was written
    check: Callable[[Path], dict[str, Any]]  # the exported folder → figures with "passed" and "problems"


EXPORTERS: dict[str, Exporter] = {
    "mjcf": Exporter(
        "MuJoCo model",
        lambda scene, folder, name, overwrite: write_mjcf(scene, folder, overwrite=overwrite),
        check_mjcf,
    ),
    "gymnasium": Exporter(
        "Gymnasium environment: push an object to a goal",
        lambda scene, folder, name, overwrite: write_gymnasium(scene, folder, name, overwrite=overwrite),
        check_gymnasium,
    ),
}
