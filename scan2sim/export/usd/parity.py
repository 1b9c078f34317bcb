"""Is what an engine read from the stage what the scene said, and do the engines agree on where things rest?"""

from __future__ import annotations

from typing import Any

import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.compare import DRIFT_LIMIT, differences
from scan2sim.geometry import matrix_from_quaternion, quaternion_angle

__all__ = ["compare_bodies", "compare_cousins", "compare_engines"]

SAME_MM, SAME_DEG = 2.0, 2.0  # how far apart engines may leave a thing


def compare_bodies(record: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """In what the stage, as OpenUSD reads it, differs from the record; and what does not rest in MuJoCo."""
    problems = []
    for expected in _expected(record):
        name, body = expected["name"], seen["bodies"].get(expected["name"])
        if body is None:
            problems.append(f"{name}: no such body")
            continue
        problems += [f"{name}: {text}" for text in differences(expected, body)]
        parts = record["parts"].get(name) if isinstance(record.get("parts"), dict) else None
        if body["pieces"] != parts:
            problems.append(f"{name}: {body['pieces']} collision parts instead of {parts}")
        drift = seen["settled"].get(name, {}).get("drift_mm")
        if expected["mobility"] == "free" and (drift is None or drift > 1000 * DRIFT_LIMIT):
            problems.append(f"{name}: drifts {drift} mm in 2 s in MuJoCo")
    if seen["gaussians"] != record.get("gaussians"):
        problems.append(f"{seen['gaussians']} Gaussians instead of {record.get('gaussians')}")
    return problems


def compare_cousins(record: dict[str, Any], seen: dict[str, dict[str, Any]]) -> list[str]:
    """The same for the cousins that were opened, by name; and whether as many are there as the record says."""
    told = record.get("cousins") or {}
    problems = [f"{name}: there is no such cousin" for name in list(told)[: max(1, len(seen))] if name not in seen]
    for name, found in seen.items():
        if not (isinstance(told.get(name), dict) and isinstance(told[name].get("objects"), list)):
            problems.append(f"{name}: the record knows no such cousin")
        else:
            problems += [f"cousin {name}: {text}" for text in compare_bodies(told[name], found)]
    return problems


def compare_engines(
    record: dict[str, Any], seen: dict[str, Any], physx: dict[str, Any]
) -> tuple[dict[str, Any], list[str], list[str]]:
    """PhysX against the record at load, and against MuJoCo after two seconds.

    Returns:
        figures; in what the engines differ; problems.
    """
    bodies = physx["bodies"]
    names = {name: body["path"] for name, body in seen["bodies"].items()}
    drifts, apart, differ, problems = {}, {}, [], []
    worst = {"mass": 0.0, "inertia": 0.0, "position": 0.0}
    for expected in _expected(record):
        name = expected["name"]
        found = bodies.get(names.get(name, ""))
        if found is None:
            problems.append(f"{name}: PhysX knows no such body")
            continue
        body = _as_body(found)
        problems += [f"{name}: {text} in PhysX" for text in differences(expected, body)]
        for key, error in _errors(expected, body).items():
            worst[key] = max(worst[key], error)
        after = found["after"]
        rested = seen["settled"].get(name)
        if expected["mobility"] != "free" or rested is None:
            continue
        drifts[name] = _moved(expected, body, after)
        distance = 1000 * float(np.linalg.norm(np.subtract(after["position"], rested["position"])))
        angle = float(np.degrees(quaternion_angle(after["orientation"], rested["wxyz"])))
        apart[name] = {"mm": round(distance, 3), "deg": round(angle, 3)}
        if distance > SAME_MM or angle > SAME_DEG:
            mover = "PhysX" if drifts[name] > rested["drift_mm"] else "MuJoCo"
            differ.append(f"{name}: {distance:.1f} mm and {angle:.1f}° apart; it moves more in {mover}")
        if drifts[name] > 1000 * DRIFT_LIMIT:
            problems.append(f"{name}: drifts {drifts[name]} mm in 2 s in PhysX")
    figures = {
        "version": physx["version"],
        "steps": physx["steps"],
        "drift_mm": drifts,
        "apart": apart,
        "worst_mass_error": worst["mass"],
        "worst_inertia_error": worst["inertia"],
        "worst_position_error_m": worst["position"],
    }
    return figures, differ, problems


def _expected(record: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {"name", "mobility", "mass", "inertia", "position", "wxyz", "center_of_mass"}
    for expected in record["objects"]:
        missing = keys - set(expected) if isinstance(expected, dict) else keys
        if missing:
            raise ExportError(f"the record of the export is not complete ({', '.join(sorted(missing))})")
    return record["objects"]


def _as_body(found: dict[str, Any]) -> dict[str, Any]:
    """A body of PhysX in the words of the record; its inertia is about the centre of mass in the body's axes."""
    return {
        "mass": found["mass"][0],
        "inertia": np.reshape(found["inertia"], (3, 3)),
        "center_of_mass": found["centerOfMassPosition"],
        "position": found["position"],
        "wxyz": found["orientation"],
    }


def _errors(expected: dict[str, Any], body: dict[str, Any]) -> dict[str, float]:
    """Relative errors of mass and inertia, and of the position [m]."""
    inertia = np.array(expected["inertia"])
    return {
        "mass": abs(body["mass"] / expected["mass"] - 1),
        "inertia": float(np.abs(np.array(body["inertia"]) - inertia).max() / np.abs(inertia).max()),
        "position": float(np.abs(np.subtract(body["position"], expected["position"])).max()),
    }


def _moved(expected: dict[str, Any], body: dict[str, Any], after: dict[str, Any]) -> float:
    """How far the centre of mass moved [mm]."""
    centre = np.array(expected["center_of_mass"])
    ends = [
        np.array(position) + matrix_from_quaternion(wxyz) @ centre
        for position, wxyz in ((body["position"], body["wxyz"]), (after["position"], after["orientation"]))
    ]
    return round(1000 * float(np.linalg.norm(ends[1] - ends[0])), 3)
