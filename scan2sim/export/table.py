"""The table of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError
from scan2sim.export.gymnasium_export import check_gymnasium, write_gymnasium
from scan2sim.export.mjcf import check_mjcf, write_mjcf
from scan2sim.export.splat_files import SPLAT_KINDS, check_splat_file, write_splat_file
from scan2sim.scene import Scene

__all__ = ["EXPORTERS", "Exporter"]


@dataclass(frozen=True)
class Exporter:
    """One format."""

    description: str
    write: Callable[[Scene, Path, str, bool], Path]  # scene, folder, the scene's name, overwrite → what was written
    check: Callable[[Path], dict[str, Any]]  # the exported folder → figures with "passed" and "problems"
    verdict: str = "opens and steps in its simulator"  # what an export that passes does


def _splats(kind: str) -> Exporter:
    return Exporter(
        SPLAT_KINDS[kind].description,
        lambda scene, folder, name, overwrite: write_splat_file(scene, folder, kind, overwrite=overwrite),
        lambda folder: check_splat_file(folder, kind),
        "opens and looks like the scene",
    )


def _write_usd(scene: Scene, folder: Path, name: str, overwrite: bool) -> Path:
    try:
        from scan2sim.export.usd import write_usd  # where it is used: OpenUSD has no wheel for every machine
    except ModuleNotFoundError as absent:
        if absent.name != "pxr":
            raise
        raise ExportError("OpenUSD is not installed", todo="pip install usd-core") from None
    return write_usd(scene, folder, name, overwrite=overwrite)


def _check_usd(folder: Path) -> dict[str, Any]:
    from scan2sim.export.usd import check_usd

    return check_usd(folder)


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
    "usd": Exporter("OpenUSD stage for Isaac Sim", _write_usd, _check_usd),
    **{kind: _splats(kind) for kind in SPLAT_KINDS},
}
