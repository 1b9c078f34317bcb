"""What a reader or an engine made of a scene, as figures that are alike for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from scan2sim.geometry import matrix_from_quaternion, quaternion_angle

__all__ = ["SAME_DEG", "SAME_MM", "engines_apart", "reading", "restless", "settling"]

DRIFT_LIMIT = 0.005  # [m] in two seconds
SAME_MM, SAME_DEG = 2.0, 2.0  # how far apart engines may leave a thing after two seconds


def reading(record: Mapping[str, Any], bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The worst errors of what was read, by body, against the record of the export.

    Returns:
        ``mass`` and ``inertia`` (about the centre of mass, against its largest entry) as parts of one, ``position_m``
        and ``angle_rad`` at load.
    """
    worst = {"mass": 0.0, "inertia": 0.0, "position_m": 0.0, "angle_rad": 0.0}
    for expected in record["objects"]:
        body = bodies.get(expected["name"])
        if body is None:
            continue
        inertia = np.array(expected["inertia"])
        errors = {
            "mass": abs(body["mass"] / expected["mass"] - 1),
            "inertia": float(np.abs(np.array(body["inertia"]) - inertia).max() / np.abs(inertia).max()),
            "position_m": float(np.abs(np.subtract(body["position"], expected["position"])).max()),
            "angle_rad": _small_angle(body["wxyz"], expected["wxyz"]),
        }
        worst = {key: max(worst[key], error) for key, error in errors.items()}
    return worst


def settling(
    record: Mapping[str, Any], bodies: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What two seconds did to the free objects, from ``position`` and ``wxyz`` at load and after, by name.

    Returns:
        ``drift_mm`` by object, how far its centre of mass moved (None where it is not finite), and ``after``.
    """
    drifts: dict[str, float | None] = {}
    for expected in record["objects"]:
        name = expected["name"]
        if expected["mobility"] != "free" or name not in bodies or name not in after:
            continue
        centre = np.array(expected["center_of_mass"])
        ends = [
            np.array(pose["position"]) + matrix_from_quaternion(pose["wxyz"]) @ centre
            for pose in (bodies[name], after[name])
        ]
        moved = 1000 * float(np.linalg.norm(ends[1] - ends[0]))
        drifts[name] = round(moved, 3) if np.isfinite(moved) else None
    return {"drift_mm": drifts, "after": {name: dict(after[name]) for name in drifts}}


def restless(drifts: Mapping[str, float | None], engine: str = "") -> list[str]:
    """What does not stay where it is, from how far things moved in two seconds [mm], None where that is no number."""
    where = f" in {engine}" if engine else ""
    return [
        f"{name}: drifts {drift} mm in 2 s{where}"
        for name, drift in drifts.items()
        if drift is None or drift > 1000 * DRIFT_LIMIT
    ]


def engines_apart(
    engines: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """How far apart engines leave each object, from their :func:`settling`.

    Returns:
        by object ``mm``, ``deg`` and ``between`` of the two that are farthest apart, the angle the largest of any two;
        and a sentence for each object that two engines leave more than 2 mm or 2° apart: in which it moved more.
    """
    apart: dict[str, dict[str, Any]] = {}
    differ = []
    for name in dict.fromkeys(name for engine in engines.values() for name in engine["after"]):
        seen = {label: engine["after"][name] for label, engine in engines.items() if name in engine["after"]}
        pairs = [
            (
                1000 * float(np.linalg.norm(np.subtract(seen[a]["position"], seen[b]["position"]))),
                float(np.degrees(quaternion_angle(seen[a]["wxyz"], seen[b]["wxyz"]))),
                (a, b),
            )
            for a, b in combinations(seen, 2)
        ]
        if not pairs:
            continue
        distance, _, between = max(pairs)
        angle = max(pair[1] for pair in pairs)
        apart[name] = {"mm": round(distance, 3), "deg": round(angle, 3), "between": list(between)}
        if not (distance <= SAME_MM and angle <= SAME_DEG):
            moved = ", ".join(f"{label} {engines[label]['drift_mm'][name]} mm" for label in seen)
            differ.append(f"{name}: {distance:.1f} mm and {angle:.1f}° apart; it moves {moved}")
    return apart, differ


def _small_angle(a: Any, b: Any) -> float:  # (4,), (4,) → [rad], exact for single precision too
    first, second = (np.asarray(each, dtype=float) / np.linalg.norm(each) for each in (a, b))
    chord = min(float(np.linalg.norm(first - second)), float(np.linalg.norm(first + second)))
    return 4 * float(np.arcsin(min(chord / 2, 1.0)))
