"""Is an exported Isaac Lab package what the scene says, and does it stand still in Isaac Lab?"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from scan2sim.errors import ExportError
from scan2sim.export.compare import MASS_TOLERANCE
from scan2sim.export.isaaclab.write import ASSETS, SCENE_DATA, TASK_DATA, VARIANT_DATA, package_texts
from scan2sim.export.record import read_record, refuse_other_programs
from scan2sim.export.usd.names import identifiers
from scan2sim.export.usd.variants import TWIN
from scan2sim.files import read_json

__all__ = ["check_isaaclab", "step_isaaclab"]

PACKAGE = re.compile(r"scan2sim_[a-z0-9_]{1,100}_isaaclab")
TASK = re.compile(r"Scan2Sim-[A-Za-z0-9]{1,100}-[A-Za-z]{1,20}-v0")
DRIFT, TURN = 2.0, 2.0  # [mm], [degrees] in two seconds
TWO_SECONDS = 60  # actions


def check_isaaclab(folder: Path) -> dict[str, Any]:
    """Hold the package against ``export.json``: its programs letter for letter, its data by their numbers.

    Isaac Lab needs a Python of its own, so nothing is stepped here; :func:`step_isaaclab` does that.

    Returns:
        ``passed`` (None where all is right but nothing was stepped), ``problems``, ``tasks``, ``objects`` and
        ``variants`` (how many: the scene and its cousins).

    Raises:
        ExportError: it is not what this program writes.
    """
    record = read_record(folder, "isaaclab")
    package, tasks = str(record.get("package")), record.get("tasks")
    if not PACKAGE.fullmatch(package) or not isinstance(tasks, list) or not tasks:
        raise ExportError("the record names no proper package and tasks", path=folder, todo="export it again")
    if not all(isinstance(each, str) and TASK.fullmatch(each) for each in tasks):
        raise ExportError("the record's tasks have no proper ids", path=folder, todo="export it again")
    refuse_other_programs(folder, package_texts(package, tuple(tasks)))
    data = folder / package / "data"
    scene, kept = read_json(data / SCENE_DATA, ExportError), read_json(data / TASK_DATA, ExportError)
    problems = [] if sorted(kept) == sorted(tasks) else ["its tasks are not those of the record"]
    by_name = {str(each.get("name")): each for each in scene.get("objects", [])}
    kept_values = ("position", "wxyz", "mass")
    for expected in record["objects"]:
        found = by_name.get(str(expected["name"]))
        if found is None:
            problems.append(f"{expected['name']}: no such object")
        elif not (data / ASSETS / Path(str(found["asset"])).name).is_file():
            problems.append(f"{expected['name']}: its layer is missing")
        elif [found["position"], found["wxyz"], found["mass"][0]] != [expected[key] for key in kept_values]:
            problems.append(f"{expected['name']}: another place or mass")
    variants = read_json(data / VARIANT_DATA, ExportError)
    if sorted(variants) != sorted((TWIN, *record.get("cousins", ()))):
        problems.append("its cousins are not those of the record")
    stages = {stage for variant in variants.values() for stage in variant["stages"].values()}
    problems += [f"the stage {Path(s).name} is missing" for s in stages if not (data / ASSETS / Path(s).name).is_file()]
    not_stepped = f"not stepped: Isaac Lab needs a Python 3.12 of its own, see {folder / 'README.md'}"
    return {
        "passed": False if problems else None,
        "problems": problems or [not_stepped],
        "tasks": tasks,
        "objects": len(by_name),
        "variants": len(variants),
    }


def step_isaaclab(
    folder: Path,
    python: Path,
    *,
    envs: int = 16,
    steps: int = TWO_SECONDS,
    kind: str = "Push",
    franka: Path | None = None,
) -> dict[str, Any]:
    """Step a task of the package in Isaac Lab with Newton on the CPU, with the interpreter of its environment.

    Args:
        folder: what :func:`write_isaaclab` wrote.
        python: the interpreter.
        envs: environments side by side; with cousins these are shared out among them.
        steps: actions, with the tool at rest.
        kind: of the task, as in ``Push``, ``PushCamera`` or ``LiftFranka``.
        franka: a file to take for the Franka (OpenUSD), if not Isaac Lab's.

    Returns:
        The figures of :func:`check_isaaclab`, ``passed`` and ``problems`` after stepping, ``observation_shape``,
        ``camera_shape`` (or None), ``franka`` (whether it is the tool), ``tool_drift_mm``, and by object its ``mass``,
        pose as ``loaded``, ``drift_mm`` and ``turn_deg``, these also ``in_variants``.

    Raises:
        ExportError: the package is not what this program writes, or Isaac Lab could not run it.
    """
    figures = check_isaaclab(folder)
    if figures["passed"] is False:
        return figures
    record = read_record(folder, "isaaclab")
    plain = kind.removesuffix("Camera").removesuffix("Franka")
    task = next((id for id in record["tasks"] if id.split("-")[-2] == plain), None)
    if task is None:
        raise ExportError(f"the package has no task {kind}", path=folder)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "figures.json"
        command = [
            str(python),
            "-m",
            f"{record['package']}.check",
            str(output),
            f"--envs={envs}",
            f"--steps={steps}",
            f"--task={task.replace(f'-{plain}-', f'-{kind}-')}",
            *([f"--franka={franka}"] if franka else []),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800, check=False)
        if done.returncode or not output.is_file():
            last = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise ExportError(f"Isaac Lab could not run it: {last}", path=folder)
        seen = json.loads(output.read_text())
    problems = [] if seen["rewards_finite"] else ["rewards or observations are not finite"]
    told = {TWIN: record["objects"], **{name: each["objects"] for name, each in record.get("cousins", {}).items()}}
    identifier = identifiers(expected["name"] for expected in record["objects"])
    for variant, objects in told.items():
        for expected in objects if variant in seen["variants"] else ():
            name = expected["name"] if variant == TWIN else f"cousin {variant}: {expected['name']}"
            found = seen["objects"][identifier[expected["name"]]]["in_variants"][variant]
            if abs(found["mass"] / expected["mass"] - 1) > MASS_TOLERANCE:
                problems.append(f"{name}: {found['mass']} kg instead of {expected['mass']}")
            if found["drift_mm"] > DRIFT or found["turn_deg"] > TURN:
                problems.append(f"{name}: moves {found['drift_mm']:.1f} mm and turns {found['turn_deg']:.1f}°")
    return {**figures, **seen, "passed": not problems, "problems": problems}
