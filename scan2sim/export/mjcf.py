"""MJCF: MuJoCo's own format, the model of `scan2sim.sim` written to disk."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.child import inspect
from scan2sim.export.record import export_folder, read_record, write_record
from scan2sim.export.safe_xml import refuse_unsafe_mjcf
from scan2sim.scene import Scene
from scan2sim.sim import mujoco_spec

__all__ = ["MODEL", "check_mjcf", "compare_model", "write_mjcf", "write_model"]

MODEL = "scene.xml"
DRIFT_LIMIT = 0.005  # [m] in two seconds
DEPTH_LIMIT = 0.002  # [m] at rest
MASS_TOLERANCE = 1e-4  # relative; MuJoCo writes six digits
POSE_TOLERANCE = 1e-5  # [m], and as a part of one for quaternions


def write_mjcf(scene: Scene, folder: Path, *, overwrite: bool = False) -> Path:
    """Write ``scene.xml`` with its meshes under ``assets/`` and ``export.json``; returns the path of ``scene.xml``.

    Keyframe ``home`` has everything where the scene has it.

    Raises:
        ExportError: the folder exists and may not be overwritten.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    spec = mujoco_spec(scene)
    with export_folder(folder, overwrite) as fresh:
        write_model(spec, fresh)
        write_record(scene, fresh, "mjcf", model=MODEL)
    return folder / MODEL


def write_model(spec: mujoco.MjSpec, folder: Path) -> None:
    """Write a model as ``scene.xml`` with its assets into a folder."""
    for name, data in spec.assets.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    spec.compile()
    (folder / MODEL).write_text(spec.to_xml(), encoding="utf-8")


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
    record = read_record(folder, "mjcf")
    return compare_model(folder / MODEL, record)


def compare_model(model: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Open a model in a child process and hold it against a record; see :func:`check_mjcf`."""
    refuse_unsafe_mjcf(model)
    seen = inspect("mjcf", model)
    problems, drifts = [], {}
    for expected in record["objects"]:
        try:
            name = expected["name"]
            if name not in seen["bodies"]:
                problems.append(f"{name}: no such body")
                continue
            body = seen["bodies"][name]
            problems += [f"{name}: {text}" for text in _differences(expected, body)]
            if expected["mobility"] == "free":
                drift = body["drift"]
                drifts[name] = None if drift is None else round(drift * 1000, 3)
                if drift is None or drift > DRIFT_LIMIT:
                    problems.append(f"{name}: drifts {drifts[name]} mm in 2 s")
        except (KeyError, TypeError, ValueError) as problem:
            raise ExportError(f"the record of the export is not complete ({problem})", path=model.parent) from None
    if not seen["stable"]:
        problems.append("the simulation is not stable")
    if seen["penetration"] > DEPTH_LIMIT:
        problems.append(f"things sink {seen['penetration'] * 1000:.1f} mm into each other")
    return {
        "passed": not problems,
        "problems": problems,
        "bodies": len(record["objects"]),
        "geoms": seen["geoms"],
        "steps": seen["steps"],
        "drift_mm": drifts,
        "worst_drift_mm": max((d for d in drifts.values() if d is not None), default=0.0),
        "penetration_mm": round(seen["penetration"] * 1000, 3),
    }


def _differences(expected: dict[str, Any], body: dict[str, Any]) -> list[str]:
    """In what a body differs from what the scene said."""
    found = []
    if abs(body["mass"] / expected["mass"] - 1) > MASS_TOLERANCE:
        found.append(f"mass {body['mass']:.6g} kg instead of {expected['mass']:.6g}")
    inertia = np.array(expected["inertia"])
    if np.abs(np.array(body["inertia"]) - inertia).max() > 10 * MASS_TOLERANCE * np.abs(inertia).max():
        found.append("another inertia")
    for key, what in (("position", "position"), ("center_of_mass", "centre of mass")):
        if np.abs(np.array(body[key]) - expected[key]).max() > POSE_TOLERANCE:
            found.append(f"another {what}")
    if 1 - abs(np.dot(body["wxyz"], expected["wxyz"])) > POSE_TOLERANCE:
        found.append("another rotation")
    if body["pieces"] != expected["pieces"]:
        found.append(f"{body['pieces']} collision pieces instead of {expected['pieces']}")
    return found
