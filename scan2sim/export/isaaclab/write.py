"""The exported folder: a Python package that can be installed beside Isaac Lab, with the scene's data and assets.

::

    export.json  pyproject.toml  README.md  LICENSE
    <package>/{__init__,push_*,gripper_*,scan_*,scene_cfg,…}.py
    <package>/data/{scene.json, tasks.json, variants.json}
    <package>/data/assets/{<variant>-<task>.usda, <name>.usdc, background.usdc, tools/…, textures/…, cousins/…}
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
from scan2sim.export.isaaclab.gripper import gripper_servos, gripper_start
from scan2sim.export.isaaclab.texts import LICENSE, PYPROJECT, README
from scan2sim.export.isaaclab.variants import AnyTask, write_variants
from scan2sim.export.record import export_folder, write_record
from scan2sim.export.usd.content import write_layers
from scan2sim.export.usd.hulls import simple_parts
from scan2sim.export.usd.names import file_stem, identifiers
from scan2sim.files import write_json
from scan2sim.geometry import quaternion_from_matrix
from scan2sim.scene import Scene, SceneObject
from scan2sim.sim import (
    CONTACT,
    PUSHER_SERVO,
    PushTask,
    collision_model,
    lift_task,
    push_task,
    rearrange_task,
    robot_place,
    task_as_json,
    task_camera,
)

__all__ = ["ASSETS", "MODULES", "SCENE_DATA", "TASK_DATA", "VARIANT_DATA", "package_texts", "task_id", "write_isaaclab"]

MODULES = (
    "rotations.py",
    "push_task.py",
    "push_env.py",
    "push_env_cfg.py",
    "gripper_task.py",
    "gripper_env.py",
    "gripper_env_cfg.py",
    "panda.py",
    "franka_env.py",
    "franka_env_cfg.py",
    "scan_env.py",
    "scan_env_cfg.py",
    "scene_cfg.py",
    "task_batch.py",
    "pictures.py",
    "agents.py",
    "check.py",
)
SCENE_DATA, TASK_DATA, VARIANT_DATA, ASSETS = "scene.json", "tasks.json", "variants.json", "assets"
SPARE, MORE, ROWS = 64, 3, 6  # room for so many contacts and so many times those at rest; rows of one
FOUND = 5  # the same where Newton finds the contacts: it lists those, too, that are near
KINDS: Mapping[str, Callable[[Scene], AnyTask]] = MappingProxyType(
    {
        "Push": push_task,
        "PushHeading": lambda scene: push_task(scene, heading=True),
        "Lift": lift_task,
        "Rearrange": rearrange_task,
    }
)
PANDA_REACH = 0.7  # [m] from its base that its hand comes to, hanging down
TAKEN = {"scan", "tool", "camera", "light", "gripper_left", "gripper_right"}  # entities of the scene, and settings:
TAKEN |= {"num_envs", "env_spacing", "replicate_physics", "lazy_sensor_update", "filter_collisions", "clone_cfg"}


def write_isaaclab(
    scene: Scene,
    folder: Path,
    name: str,
    *,
    overwrite: bool = False,
    cousins: Iterable[tuple[str, Scene]] = (),
) -> Path:
    """Write a package of tasks for Isaac Lab 3; returns the folder.

    Args:
        scene: the scene.
        folder: where to write.
        name: the scene's name, from which the tasks' ids are made: ``Scan2Sim-<Name>-Push-v0``.
        overwrite: replace an earlier export.
        cousins: scenes with the same objects, with their names: environments take them and the scene in turns.

    Raises:
        ExportError: nothing in the scene can be pushed, an object has a name that Isaac Lab needs, a cousin holds
            other objects, or the folder exists and may not be overwritten.
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
    if taken := TAKEN & set(identifiers(obj.name for obj in scene.objects).values()):
        word = sorted(taken)[0]
        raise ExportError(f"an object is called “{word}”, as Isaac Lab calls something else", todo="rename it")
    package = f"scan2sim_{file_stem(name)}_isaaclab"
    with export_folder(folder, overwrite) as fresh:
        home = fresh / package
        assets = home / "data" / ASSETS
        assets.mkdir(parents=True)
        layers = write_layers(scene, assets)
        contacts = _Contacts()
        written = write_variants(scene, assets, tasks, layers, contacts.counting(cousins))
        contacts.count(scene)
        write_json(home / "data" / VARIANT_DATA, written.variants)
        write_json(home / "data" / SCENE_DATA, _scene_data(scene, layers, tasks, contacts.most))
        write_json(home / "data" / TASK_DATA, {id: task_as_json(each) for id, each in tasks.items()})
        for file, text in package_texts(package, tuple(tasks)).items():
            (fresh / file).write_text(text, encoding="utf-8")
        first = next(iter(tasks.values()))
        record = {"package": package, "tasks": list(tasks), "target": first.objects[0], "left_out": left_out}
        write_record(scene, fresh, "isaaclab", **record, cousins=written.cousins)
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


def _scene_data(scene: Scene, layers: dict[str, str], tasks: dict[str, AnyTask], contacts: int) -> dict[str, Any]:
    names = identifiers(obj.name for obj in scene.objects)
    place, yaw = robot_place(scene, PANDA_REACH)
    room = SPARE + MORE * contacts
    return {
        "default_task": next(iter(tasks)),
        "objects": [_object_data(obj, names[obj.name], layers[obj.name]) for obj in scene.objects],
        "cameras": {id: _camera_data(scene, task) for id, task in tasks.items()},
        "grippers": {id: gripper_start(task.gripper) for id, task in tasks.items() if not isinstance(task, PushTask)},
        "gripper_servos": gripper_servos(),
        "franka": {"position": place, "yaw": yaw},
        "servo": {"gain": PUSHER_SERVO.gain, "force": PUSHER_SERVO.force},
        "contact": {
            "steps_per_second": round(1 / CONTACT.timestep),
            "contacts": room,
            "contacts_found": SPARE + FOUND * contacts,
            "constraints": ROWS * room,
        },
    }


def _camera_data(scene: Scene, task: AnyTask) -> dict[str, Any]:
    """Where the task's camera is: z ahead and y down."""
    camera = task_camera(scene, task)
    w, x, y, z = quaternion_from_matrix(camera.world_from_camera[:3, :3]).tolist()
    seen = camera.intrinsics
    return {"side": seen.width, "focal": seen.fx, "position": camera.position, "xyzw": [x, y, z, w]}


class _Contacts:
    """At how many points things touch at rest, in the scene or cousin where it is most."""

    def __init__(self) -> None:
        self.most = 0

    def counting(self, cousins: Iterable[tuple[str, Scene]]) -> Iterable[tuple[str, Scene]]:
        """The cousins as they go by."""
        for name, cousin in cousins:
            self.count(cousin)
            yield name, cousin

    def count(self, scene: Scene) -> None:
        """As MuJoCo sees things touch that consist of the parts which the layers hold."""
        objects = tuple(dataclasses.replace(obj, collision=_parts(obj.collision)) for obj in scene.objects)
        ground = _parts(scene.background_collision)
        model = collision_model(dataclasses.replace(scene, objects=objects, background_collision=ground))
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        self.most = max(self.most, int(data.ncon))


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
