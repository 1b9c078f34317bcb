"""MJCF: MuJoCo's own format, the model of `scan2sim.sim` written to disk."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco

from scan2sim.export.compare import compare_model
from scan2sim.export.record import export_folder, read_record, write_record
from scan2sim.scene import Scene
from scan2sim.sim import add_robot, fetch_robot, mujoco_spec

__all__ = ["MODEL", "check_mjcf", "write_mjcf", "write_model"]

MODEL = "scene.xml"


def write_mjcf(scene: Scene, folder: Path, *, robot: str | None = None, overwrite: bool = False) -> Path:
    """Write ``scene.xml`` with its meshes under ``assets/`` and ``export.json``; returns the path of ``scene.xml``.

    Keyframe ``home`` has everything where the scene has it, and a robot as its makers put it down.

    Args:
        scene: the scene.
        folder: where to write.
        robot: a robot of MuJoCo Menagerie to put beside the support, as in ``franka_emika_panda``; its bodies, joints
            and actuators have the prefix ``robot/``.
        overwrite: replace an earlier export.

    Raises:
        ExportError: the folder exists and may not be overwritten.
        SceneError: the scene is not consistent.
        UsageError: there is no such robot, or it cannot be had.
        OutputError: it cannot be written.
    """
    spec = mujoco_spec(scene) if robot is None else add_robot(scene, fetch_robot(robot))
    with export_folder(folder, overwrite) as fresh:
        write_model(spec, fresh)
        write_record(scene, fresh, "mjcf", model=MODEL, **({} if robot is None else {"robot": robot}))
    return folder / MODEL


def write_model(spec: mujoco.MjSpec, folder: Path, file: str = MODEL) -> None:
    """Write a model with its assets into a folder."""
    for name, data in spec.assets.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    spec.compile()
    (folder / file).write_text(spec.to_xml(), encoding="utf-8")


def check_mjcf(path: Path) -> dict[str, Any]:
    """Open an exported model in MuJoCo, hold it against ``export.json``, and let it settle for 2 s.

    Args:
        path: the exported folder, or its ``scene.xml``.

    Returns:
        ``passed``, ``problems``, ``bodies`` (count), ``drift_mm`` by object, ``worst_drift_mm``, ``penetration_mm`` at
        rest, ``geoms``, ``steps``.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    folder = path if path.is_dir() else path.parent
    return compare_model(folder / MODEL, read_record(folder, "mjcf"))
