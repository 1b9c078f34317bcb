"""The table of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError
from scan2sim.export.gymnasium_export import check_gymnasium, write_gymnasium
from scan2sim.export.mjcf import check_mjcf, write_mjcf
from scan2sim.export.nerfstudio import check_nerfstudio, write_nerfstudio
from scan2sim.export.splat_files import SPLAT_KINDS, check_splat_file, write_splat_file
from scan2sim.export.urdf import write_urdf
from scan2sim.export.urdf_check import check_urdf
from scan2sim.scene import Scene

__all__ = ["EXPORTERS", "Exporter"]


@dataclass(frozen=True)
class Exporter:
    """One format."""

    description: str
    write: Callable[..., Path]  # scene, folder, name, overwrite[, cousins=…][, robot=…] → what was written
    check: Callable[[Path], dict[str, Any]]  # the exported folder → figures with "passed" and "problems"
    verdict: str = "opens and steps in its simulator"  # what an export that passes does
    holds_cousins: bool = False  # whether ``write`` takes them, as variants of the scene
    holds_robot: bool = False  # whether ``write`` takes the name of one, to put beside the scene


def _splats(kind: str) -> Exporter:
    return Exporter(
        SPLAT_KINDS[kind].description,
        lambda scene, folder, name, overwrite: write_splat_file(scene, folder, kind, overwrite=overwrite),
        lambda folder: check_splat_file(folder, kind),
        "opens and looks like the scene",
    )


def _with_openusd(kind: str, description: str, *, holds_cousins: bool = False) -> Exporter:
    """A format whose room is entered where it is used: OpenUSD has no wheel for every machine."""

    def write(scene: Scene, folder: Path, name: str, overwrite: bool, **more: Any) -> Path:
        try:
            room = import_module(f"scan2sim.export.{kind}")
        except ModuleNotFoundError as absent:
            if absent.name != "pxr":
                raise
            raise ExportError("OpenUSD is not installed", todo="pip install usd-core") from None
        return getattr(room, f"write_{kind}")(scene, folder, name, overwrite=overwrite, **more)

    def check(folder: Path) -> dict[str, Any]:
        return getattr(import_module(f"scan2sim.export.{kind}"), f"check_{kind}")(folder)

    return Exporter(description, write, check, holds_cousins=holds_cousins)


EXPORTERS: dict[str, Exporter] = {
    "mjcf": Exporter(
        "MuJoCo model",
        lambda scene, folder, name, overwrite, **more: write_mjcf(scene, folder, overwrite=overwrite, **more),
        check_mjcf,
        holds_robot=True,
    ),
    "urdf": Exporter(
        "URDF of the scene and of each object",
        lambda scene, folder, name, overwrite: write_urdf(scene, folder, overwrite=overwrite),
        check_urdf,
        "opens and steps in MuJoCo",
    ),
    "gymnasium": Exporter(
        "Gymnasium environment: push an object to a goal",
        lambda scene, folder, name, overwrite: write_gymnasium(scene, folder, name, overwrite=overwrite),
        check_gymnasium,
    ),
    "nerfstudio": Exporter(
        "photos, cameras and points for nerfstudio",
        lambda scene, folder, name, overwrite: write_nerfstudio(scene, folder, overwrite=overwrite),
        check_nerfstudio,
        "opens, and its cameras see the scene's points",
    ),
    "isaaclab": _with_openusd("isaaclab", "package of tasks for Isaac Lab", holds_cousins=True),
    "usd": _with_openusd("usd", "OpenUSD stage for Isaac Sim", holds_cousins=True),
    **{kind: _splats(kind) for kind in SPLAT_KINDS},
}
