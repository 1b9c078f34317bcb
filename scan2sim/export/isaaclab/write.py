"""The exported folder: a Python package that can be installed beside Isaac Lab, with the scene's data and assets.

::

    export.json  pyproject.toml  README.md  LICENSE
    <package>/{__init__,push_task,push_env,push_env_cfg,scene_cfg,agents,check}.py
    <package>/data/{scene.json, tasks.json}
    <package>/data/assets/{<name>.usdc, background.usdc, pusher.usda, pusher-heading.usda, textures/…}
"""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import mujoco

from scan2sim.errors import ExportError, UsageError
from scan2sim.export.isaaclab.pusher import write_pusher
from scan2sim.export.isaaclab.texts import LICENSE, PYPROJECT, README
from scan2sim.export.record import export_folder, write_record
from scan2sim.export.usd.content import write_layers
from scan2sim.export.usd.names import file_stem, identifiers
from scan2sim.files import write_json
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import CONTACT, PUSHER_SERVO, PushTask, mujoco_spec, push_task, task_as_json

__all__ = ["ASSETS", "MODULES", "SCENE_DATA", "TASK_DATA", "package_texts", "task_id", "write_isaaclab"]

MODULES = ("push_task.py", "push_env.py", "push_env_cfg.py", "scene_cfg.py", "agents.py", "check.py")
SCENE_DATA, TASK_DATA, ASSETS = "scene.json", "tasks.json", "assets"
SPARE, MORE, ROWS = 64, 3, 6  # room for so many contacts and so many times those at rest; rows of one
PUSHERS = ("pusher.usda", "pusher-heading.usda")  # one for each task
KINDS = {"Push": False, "PushHeading": True}  # whether with a heading


def write_isaaclab(scene: Scene, folder: Path, name: str, *, overwrite: bool = False) -> Path:
    """Write a package of tasks for Isaac Lab 3; returns the folder.

    Args:
        scene: the scene.
        folder: where to write.
        name: the scene's name, from which the tasks' ids are made: ``Scan2Sim-<Name>-Push-v0``.
        overwrite: replace an earlier export.

    Raises:
        ExportError: nothing in the scene can be pushed, or the folder exists and may not be overwritten.
        SceneError: the scene is not consistent.
        OutputError: it cannot be written.
    """
    tasks: dict[str, PushTask] = {}
    left_out: dict[str, str] = {}
    for kind, heading in KINDS.items():
        try:
            tasks[task_id(name, kind)] = push_task(scene, heading=heading)
        except UsageError as problem:
            if not heading:
                raise ExportError(problem.problem, todo=problem.todo) from None
            left_out[kind] = problem.problem
    package = f"scan2sim_{file_stem(name)}_isaaclab"
    with export_folder(folder, overwrite) as fresh:
        home = fresh / package
        assets = home / "data" / ASSETS
        assets.mkdir(parents=True)
        layers = write_layers(scene, assets)
        task = next(iter(tasks.values()))
        for file, each in zip(PUSHERS, tasks.values(), strict=False):
            write_pusher(each, assets / file)
        write_json(home / "data" / SCENE_DATA, _scene_data(scene, layers, tasks))
        write_json(home / "data" / TASK_DATA, {id: task_as_json(each) for id, each in tasks.items()})
        for file, text in package_texts(package, tuple(tasks)).items():
            (fresh / file).write_text(text, encoding="utf-8")
        record = {"package": package, "tasks": list(tasks), "target": task.target, "left_out": left_out}
        write_record(scene, fresh, "isaaclab", **record)
    return folder


def task_id(name: str, kind: str) -> str:
    """``my table`` → ``Scan2Sim-MyTable-Push-v0``."""
    words = file_stem(name).split("_")
    return f"Scan2Sim-{''.join(word.capitalize() for word in words)}-{kind}-v0"


def package_texts(package: str, ids: tuple[str, ...]) -> dict[str, str]:
    """The files of the folder that are programs or for people, by path: the same for every scene but for names."""
    template = resources.files("scan2sim.export.isaaclab") / "template"
    texts = {f"{package}/{file}": (template / file).read_text(encoding="utf-8") for file in MODULES}
    texts[f"{package}/__init__.py"] = (template / "package.py").read_text(encoding="utf-8")
    texts["pyproject.toml"] = PYPROJECT.format(package=package, distribution=package.replace("_", "-"))
    texts["README.md"] = README.format(package=package, first=ids[0], tasks="\n".join(f"- `{id}`" for id in ids))
    texts["LICENSE"] = LICENSE
    return texts


def _scene_data(scene: Scene, layers: dict[str, str], tasks: dict[str, PushTask]) -> dict[str, Any]:
    names = identifiers(obj.name for obj in scene.objects)
    contacts = SPARE + MORE * _contacts_at_rest(scene)
    return {
        "default_task": next(iter(tasks)),
        "objects": [_object_data(obj, names[obj.name], layers[obj.name]) for obj in scene.objects],
        "pushers": {
            id: {"asset": file, "height": task.pusher_bottom + task.pusher_height / 2}
            for file, (id, task) in zip(PUSHERS, tasks.items(), strict=False)
        },
        "servo": {"gain": PUSHER_SERVO.gain, "force": PUSHER_SERVO.force},
        "contact": {
            "condim": CONTACT.condim,
            "solref": CONTACT.solref,
            "solimp": CONTACT.solimp,
            "steps_per_second": round(1 / CONTACT.timestep),
            "contacts": contacts,
            "constraints": ROWS * contacts,
        },
    }


def _contacts_at_rest(scene: Scene) -> int:
    """At how many points MuJoCo sees things touch."""
    model = mujoco_spec(scene).compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return int(data.ncon)


def _object_data(obj: SceneObject, identifier: str, layer: str) -> dict[str, Any]:
    mass, friction = obj.physical.mass, obj.physical.friction
    return {
        "name": obj.name,
        "identifier": identifier,
        "asset": layer,
        "mobility": obj.mobility,
        "position": obj.position,
        "wxyz": obj.wxyz,
        "mass": [mass.value, mass.low, mass.high],
        "friction": [friction.value, friction.low, friction.high],
    }
