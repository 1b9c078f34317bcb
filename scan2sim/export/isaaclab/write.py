"""The exported folder: a Python package that can be installed beside Isaac Lab, with the scene's data and assets.

::

    export.json  pyproject.toml  README.md  LICENSE
    <package>/{__init__,push_*,gripper_*,scene_cfg,agents,check}.py
    <package>/data/{scene.json, tasks.json}
    <package>/data/assets/{<name>.usdc, background.usdc, pusher*.usda, gripper*.usda, textures/…}
"""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import mujoco
import trimesh

from scan2sim.errors import ExportError, UsageError
from scan2sim.export.isaaclab.gripper import gripper_servos, gripper_start, write_gripper
from scan2sim.export.isaaclab.pusher import write_pusher
from scan2sim.export.isaaclab.texts import LICENSE, PYPROJECT, README
from scan2sim.export.record import export_folder, write_record
from scan2sim.export.usd.content import write_layers
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.names import file_stem, identifiers
from scan2sim.files import write_json
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import (
    CONTACT,
    PUSHER_SERVO,
    LiftTask,
    PushTask,
    RearrangeTask,
    collision_model,
    lift_task,
    push_task,
    rearrange_task,
    task_as_json,
)

__all__ = ["ASSETS", "MODULES", "SCENE_DATA", "TASK_DATA", "package_texts", "task_id", "write_isaaclab"]

MODULES = (
    "push_task.py",
    "push_env.py",
    "push_env_cfg.py",
    "gripper_task.py",
    "gripper_env.py",
    "gripper_env_cfg.py",
    "scene_cfg.py",
    "agents.py",
    "check.py",
)
SCENE_DATA, TASK_DATA, ASSETS = "scene.json", "tasks.json", "assets"
SPARE, MORE, ROWS = 64, 3, 6  # room for so many contacts and so many times those at rest; rows of one
AnyTask = PushTask | LiftTask | RearrangeTask
KINDS: Mapping[str, Callable[[Scene], AnyTask]] = MappingProxyType(
    {
        "Push": push_task,
        "PushHeading": lambda scene: push_task(scene, heading=True),
        "Lift": lift_task,
        "Rearrange": rearrange_task,
    }
)
TOOLS = {"Push": "pusher.usda", "PushHeading": "pusher-heading.usda", "Lift": "gripper.usda"}
TOOLS |= {"Rearrange": "gripper-rearrange.usda"}  # one for each task: they are as large and go as far as it wants


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
    tasks: dict[str, AnyTask] = {}
    left_out: dict[str, str] = {}
    for kind, make in KINDS.items():
        try:
            tasks[task_id(name, kind)] = make(scene)
        except UsageError as problem:
            if kind == "Push":
                raise ExportError(problem.problem, todo=problem.todo) from None
            left_out[kind] = problem.problem
    package = f"scan2sim_{file_stem(name)}_isaaclab"
    with export_folder(folder, overwrite) as fresh:
        home = fresh / package
        assets = home / "data" / ASSETS
        assets.mkdir(parents=True)
        layers = write_layers(scene, assets)
        for id, task in tasks.items():
            if isinstance(task, PushTask):
                write_pusher(task, assets / _tool(id))
            else:
                write_gripper(task.gripper, assets / _tool(id))
        write_json(home / "data" / SCENE_DATA, _scene_data(scene, layers, tasks))
        write_json(home / "data" / TASK_DATA, {id: task_as_json(each) for id, each in tasks.items()})
        for file, text in package_texts(package, tuple(tasks)).items():
            (fresh / file).write_text(text, encoding="utf-8")
        first = next(iter(tasks.values()))
        record = {"package": package, "tasks": list(tasks), "target": first.objects[0], "left_out": left_out}
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


def _tool(id: str) -> str:
    """The file of the tool that a task is done with."""
    return TOOLS[id.split("-")[-2]]


def _scene_data(scene: Scene, layers: dict[str, str], tasks: dict[str, AnyTask]) -> dict[str, Any]:
    names = identifiers(obj.name for obj in scene.objects)
    contacts = SPARE + MORE * _contacts_at_rest(scene)
    return {
        "default_task": next(iter(tasks)),
        "objects": [_object_data(obj, names[obj.name], layers[obj.name]) for obj in scene.objects],
        "pushers": {
            id: {"asset": _tool(id), "height": task.pusher_bottom + task.pusher_height / 2}
            for id, task in tasks.items()
            if isinstance(task, PushTask)
        },
        "grippers": {
            id: {"asset": _tool(id), "start": gripper_start(task.gripper)}
            for id, task in tasks.items()
            if not isinstance(task, PushTask)
        },
        "gripper_servos": gripper_servos(),
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
    """At how many points MuJoCo sees things touch that consist of the parts which the layers hold."""
    objects = tuple(dataclasses.replace(obj, collision=_parts(obj.collision)) for obj in scene.objects)
    ground = _parts(scene.background_collision)
    model = collision_model(dataclasses.replace(scene, objects=objects, background_collision=ground))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return int(data.ncon)


def _parts(pieces: Iterable[trimesh.Trimesh]) -> tuple[trimesh.Trimesh, ...]:
    return tuple(part for piece in pieces for part in simple_parts(piece))


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
