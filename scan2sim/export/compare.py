"""An exported model, opened in MuJoCo in a process of its own, held against what ``export.json`` says of the scene."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.child import inspect
from scan2sim.export.readings import reading, restless, settling
from scan2sim.export.safe_xml import refuse_unsafe_model
from scan2sim.sim import CONTACT

__all__ = ["MASS_TOLERANCE", "body_problems", "compare_model", "differences"]

DEPTH_LIMIT = 0.002  # [m] at rest
MASS_TOLERANCE = 1e-4  # relative; MuJoCo writes six digits
POSE_TOLERANCE = 1e-5  # [m], and as a part of one for quaternions


def compare_model(model: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Open an MJCF or URDF file in MuJoCo, hold it against a record, and let it settle for 2 s.

    Returns:
        ``passed``, ``problems``, ``bodies`` (count), ``drift_mm`` by object, ``worst_drift_mm``, ``penetration_mm`` at
        rest, ``geoms``, ``steps``, and ``engines``: of MuJoCo ``reading`` and ``after`` (`scan2sim.export.readings`).

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    refuse_unsafe_model(model)
    seen = inspect("mujoco", model, json.dumps(asdict(CONTACT)))
    bodies = seen["bodies"]
    problems = body_problems(record, bodies, model.parent)
    settled = settling(record, bodies, {name: body["after"] for name, body in bodies.items()})
    drifts = settled["drift_mm"]
    problems += restless(drifts)
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
        "engines": {"MuJoCo": {"reading": reading(record, bodies), **settled}},
    }


def body_problems(record: dict[str, Any], bodies: dict[str, Any], folder: Path) -> list[str]:
    """In what the bodies that a reader saw, by name, differ from the objects of a record.

    Raises:
        ExportError: the record is not complete.
    """
    problems = []
    for expected in record["objects"]:
        try:
            name, _ = expected["name"], expected["mobility"]
            if name not in bodies:
                problems.append(f"{name}: no such body")
                continue
            problems += [f"{name}: {text}" for text in _all_differences(expected, bodies[name])]
        except (KeyError, TypeError, ValueError) as problem:
            raise ExportError(f"the record of the export is not complete ({problem})", path=folder) from None
    return problems


def _all_differences(expected: dict[str, Any], body: dict[str, Any]) -> list[str]:
    """As :func:`differences`, and the number of collision pieces; MuJoCo's XML has six digits of an inertia."""
    found = differences(expected, body, inertia_tolerance=10 * MASS_TOLERANCE)
    if body["pieces"] != expected["pieces"]:
        found.append(f"{body['pieces']} collision pieces instead of {expected['pieces']}")
    return found


def differences(expected: dict[str, Any], body: dict[str, Any], inertia_tolerance: float = MASS_TOLERANCE) -> list[str]:
    """In what the mass, the inertia and the pose of a body differ from what the record says."""
    found = []
    if abs(body["mass"] / expected["mass"] - 1) > MASS_TOLERANCE:
        found.append(f"mass {body['mass']:.6g} kg instead of {expected['mass']:.6g}")
    inertia = np.array(expected["inertia"])
    if np.abs(np.array(body["inertia"]) - inertia).max() > inertia_tolerance * np.abs(inertia).max():
        found.append("another inertia")
    for key, what in (("position", "position"), ("center_of_mass", "centre of mass")):
        if np.abs(np.array(body[key]) - expected[key]).max() > POSE_TOLERANCE:
            found.append(f"another {what}")
    if 1 - abs(np.dot(body["wxyz"], expected["wxyz"])) > POSE_TOLERANCE:
        found.append("another rotation")
    return found
