"""Is what a program or an engine read from the stage what the scene said?"""

from __future__ import annotations

from typing import Any

import numpy as np

from scan2sim.errors import ExportError
from scan2sim.export.compare import differences
from scan2sim.export.readings import reading, restless, settling

__all__ = ["compare_bodies", "compare_cousins", "compare_engine"]


def compare_bodies(record: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """In what the stage, as OpenUSD reads it, differs from the record."""
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
            said = compare_bodies(told[name], found)
            said += restless(settling(told[name], found["bodies"], found["settled"])["drift_mm"], "MuJoCo")
            problems += [f"cousin {name}: {text}" for text in said]
    return problems


def compare_engine(
    record: dict[str, Any], seen: dict[str, Any], stepped: dict[str, Any], engine: str
) -> tuple[dict[str, Any], list[str]]:
    """What an engine made of the stage: its figures, and in what they differ from the record at load.

    Args:
        record: of the export.
        seen: what OpenUSD read.
        stepped: by prim path what the engine read, and saw after two seconds.
        engine: its name.

    Returns:
        ``version``, ``steps``, ``reading``, ``drift_mm`` and ``after``; and the problems.
    """
    paths = {name: body["path"] for name, body in seen["bodies"].items()}
    known = stepped["bodies"]
    bodies, after, problems = {}, {}, []
    for expected in _expected(record):
        name = expected["name"]
        found = known.get(paths.get(name, ""))
        if found is None:
            problems.append(f"{name}: {engine} knows no such body")
            continue
        bodies[name] = _as_body(found)
        after[name] = {"position": found["after"]["position"], "wxyz": found["after"]["orientation"]}
        problems += [f"{name}: {text} in {engine}" for text in differences(expected, bodies[name])]
    settled = settling(record, bodies, after)
    problems += restless(settled["drift_mm"], engine)
    about = {"version": stepped["version"], "steps": stepped["steps"]}
    return {**about, "reading": reading(record, bodies), **settled}, problems


def _expected(record: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {"name", "mobility", "mass", "inertia", "position", "wxyz", "center_of_mass"}
    for expected in record["objects"]:
        missing = keys - set(expected) if isinstance(expected, dict) else keys
        if missing:
            raise ExportError(f"the record of the export is not complete ({', '.join(sorted(missing))})")
    return record["objects"]


def _as_body(found: dict[str, Any]) -> dict[str, Any]:
    """A body of an engine in the words of the record; its inertia is about the centre of mass in the body's axes."""
    return {
        "mass": found["mass"][0],
        "inertia": np.reshape(found["inertia"], (3, 3)),
        "center_of_mass": found["centerOfMassPosition"],
        "position": found["position"],
        "wxyz": found["orientation"],
    }
