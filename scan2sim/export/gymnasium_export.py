"""Gymnasium: a package that registers ``scan2sim/<Scene>-Push-v0`` and others when it is imported."""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import mujoco
import numpy as np

from scan2sim.errors import ExportError, UsageError
from scan2sim.export.child import inspect
from scan2sim.export.compare import compare_model
from scan2sim.export.gymnasium_texts import ENV_HUB, INIT, PYPROJECT, README
from scan2sim.export.mjcf import MODEL, write_model
from scan2sim.export.record import export_folder, read_record, refuse_other_programs, write_record
from scan2sim.files import write_json
from scan2sim.scene import Scene, save_scene
from scan2sim.sim import (
    LiftTask,
    PushTask,
    RearrangeTask,
    lift_task,
    push_task,
    read_task,
    rearrange_task,
    task_as_json,
    task_spec,
)

__all__ = ["check_gymnasium", "environment_id", "write_gymnasium"]

SCENE = "scene"
SMOKE_STEPS = 200
PACKAGE = re.compile(r"scan2sim_[a-z0-9_]{1,100}")
ENVIRONMENT = re.compile(r"scan2sim/[A-Za-z0-9]{1,100}-([A-Za-z]{1,20})-v0")


@dataclass(frozen=True)
class TaskFiles:
    """One task of an exported package."""

    model: str
    file: str
    says: str
    make: Callable[[Scene, str | None], PushTask | LiftTask | RearrangeTask]  # scene, what to push


TASKS: Mapping[str, TaskFiles] = MappingProxyType(
    {
        "Push": TaskFiles(MODEL, "push.json", "push {objects} to a place", push_task),
        "PushHeading": TaskFiles(
            "push-heading.xml",
            "push-heading.json",
            "push {objects} to a place and a heading",
            lambda scene, target: push_task(scene, target, heading=True),
        ),
        "Lift": TaskFiles("lift.xml", "lift.json", "grip {objects} and raise it", lambda scene, _: lift_task(scene)),
        "Rearrange": TaskFiles(
            "rearrange.xml", "rearrange.json", "bring {objects} to new places", lambda scene, _: rearrange_task(scene)
        ),
    }
)


def environment_id(name: str, task: str = "Push") -> str:
    """``table-top 2`` → ``scan2sim/TableTop2-Push-v0``.

    Raises:
        ExportError: the name has no letter or digit.
    """
    return f"scan2sim/{''.join(word[:1].upper() + word[1:] for word in _words(name))}-{task}-v0"


def write_gymnasium(
    scene: Scene, folder: Path, name: str, *, target: str | None = None, overwrite: bool = False
) -> Path:
    """Write a Python package that registers the environments of a scene; returns the folder.

    The folder holds the package (models, meshes, tasks, splats), a ``pyproject.toml`` to install it with, ``env.py``
    for LeRobot's EnvHub, a README and ``export.json``.  Lift and Rearrange are left out where nothing fits the gripper;
    ``left_out`` of the record says why.

    Args:
        scene: the scene.
        folder: where to write.
        name: the scene's name, from which the environments' ids are made.
        target: the object to push; None takes the smallest free one that stands alone.
        overwrite: replace an earlier export.

    Raises:
        ExportError: nothing in the scene can be pushed, or the folder exists and may not be overwritten.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    tasks: dict[str, PushTask | LiftTask | RearrangeTask] = {}
    specs: dict[str, mujoco.MjSpec] = {}  # by file, with the tool of their task
    left_out: dict[str, str] = {}
    for kind, files in TASKS.items():
        try:
            task = files.make(scene, target)
            specs[files.model] = task_spec(scene, task)
            tasks[kind] = task
        except UsageError as problem:
            if kind == "Push":
                raise ExportError(problem.problem, todo=problem.todo) from None
            left_out[kind] = problem.problem
    package = "scan2sim_" + "_".join(word.lower() for word in _words(name))
    ids = {environment_id(name, kind): task for kind, task in tasks.items()}
    with export_folder(folder, overwrite) as fresh:
        home = fresh / package
        home.mkdir()
        for model, spec in specs.items():
            write_model(spec, home, model)
        for kind, task in tasks.items():
            write_json(home / TASKS[kind].file, task_as_json(task))
        seen = replace(scene, images=(), points=np.zeros((0, 3)), point_colors=np.zeros((0, 3), np.uint8))
        save_scene(seen, home / SCENE)
        texts = _texts(package, list(ids), {id: task.horizon for id, task in ids.items()})
        for file, text in texts.items():
            (fresh / file).write_text(text, encoding="utf-8")
        about = [f"- `{id}`: {_says(id).format(objects=' and '.join(task.objects))}" for id, task in ids.items()]
        about += [f"- no {kind}: {why}" for kind, why in left_out.items()]
        readme = README.format(package=package, first=next(iter(ids)), environments="\n".join(about))
        (fresh / "README.md").write_text(readme, encoding="utf-8")
        write_record(
            scene,
            fresh,
            "gymnasium",
            environment=next(iter(ids)),
            environments=list(ids),
            package=package,
            target=tasks["Push"].objects[0],
            left_out=left_out,
        )
    return folder


def check_gymnasium(folder: Path) -> dict[str, Any]:
    """Import the exported package, run Gymnasium's own ``check_env`` on its environments, and step them at random.

    The models are also held against ``export.json`` and settled, as :func:`check_mjcf` does.  The package is imported
    only if it is letter for letter what this program writes: whoever sends a folder cannot have it run their code.

    Returns:
        The figures of :func:`check_mjcf` for Push, and ``environment`` (Push), ``environments``, ``check_env`` (what it
        complained about, or "passed"), ``random_steps``, ``episodes``, ``steps_per_second`` and
        ``vector_steps_per_second`` of Push.

    Raises:
        ExportError: it does not open, or is not safe to open.
    """
    record = read_record(folder, "gymnasium")
    package, ids = str(record.get("package")), record.get("environments")
    if not isinstance(ids, list) or not all(isinstance(id, str) and _kind(id) for id in ids):
        ids = []
    if not PACKAGE.fullmatch(package) or not ids or _kind(ids[0]) != "Push":
        raise ExportError("the record names no proper package and environments", path=folder, todo="export it again")
    tasks = {id: read_task(folder / package / TASKS[_kind(id)].file) for id in ids}
    refuse_other_programs(folder, _texts(package, ids, {id: task.horizon for id, task in tasks.items()}))
    models = dict.fromkeys(TASKS[_kind(id)].model for id in ids)
    figures, *others = (compare_model(folder / package / model, record) for model in models)
    for other, model in zip(others, list(models)[1:], strict=True):
        figures["problems"] += [f"{problem} ({model})" for problem in other["problems"]]
    seen = inspect("gymnasium", folder, package, str(SMOKE_STEPS), *ids)
    if seen["check_env"] != "passed":
        figures["problems"].append(f"check_env: {seen['check_env']}")
    return {**figures, "passed": not figures["problems"], "environment": ids[0], "environments": ids, **seen}


def _texts(package: str, ids: list[str], horizons: dict[str, int]) -> dict[str, str]:
    """The files of the package that are programs, by path."""
    table = "".join(
        f'    "{id}": ("{TASKS[_kind(id)].model}", "{TASKS[_kind(id)].file}", {horizons[id]}),\n' for id in ids
    )
    words = {"first": ids[0], "package": package, "distribution": package.replace("_", "-"), "scene": SCENE}
    init = INIT.format(**words, table=table)
    return {
        f"{package}/__init__.py": init,
        "env.py": ENV_HUB.format(**words),
        "pyproject.toml": PYPROJECT.format(**words),
    }


def _kind(id: str) -> str:
    """The task of an environment's id, "" if there is none."""
    found = ENVIRONMENT.fullmatch(id)
    return found[1] if found and found[1] in TASKS else ""


def _says(id: str) -> str:
    return TASKS[_kind(id)].says


def _words(name: str) -> list[str]:
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words:
        raise ExportError(f"no environment can be named after {name!r}", todo="give a name with letters")
    words = ["Scene", *words] if words[0][0].isdigit() else words
    return [word[:30] for word in words[:3]]
