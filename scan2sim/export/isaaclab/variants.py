"""The scene and its cousins as variants that environments are made of: stages, tools, poses and tasks of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scan2sim.errors import ExportError, UsageError
from scan2sim.export.isaaclab.gripper import write_gripper
from scan2sim.export.isaaclab.pusher import write_pusher
from scan2sim.export.isaaclab.stages import level_pieces, write_stage
from scan2sim.export.record import object_records
from scan2sim.export.usd.content import BACKGROUND_LAYER
from scan2sim.export.usd.names import identifiers
from scan2sim.export.usd.variants import TWIN, write_cousin_layers
from scan2sim.scene import Scene
from scan2sim.sim import LiftTask, PushTask, RearrangeTask, lift_task, push_task, rearrange_task, task_as_json

__all__ = ["AnyTask", "Written", "write_variants"]

AnyTask = PushTask | LiftTask | RearrangeTask
TOOLS = "tools"  # the folder
BARE = "bare"  # the stage without a tool


@dataclass(frozen=True)
class Written:
    """What was written of the scene and its cousins."""

    variants: dict[str, Any]
    """By name: ``poses`` [m, xyzw] of the objects by identifier, ``stages`` and ``tasks`` by the tasks' ids."""
    cousins: dict[str, Any]
    """By name: the ``objects`` as a record tells them, and of which tasks it is (``tasks``), or why not."""


def write_variants(
    scene: Scene,
    assets: Path,
    tasks: dict[str, AnyTask],
    layers: dict[str, str],  # the scene's, by the objects' names
    cousins: Iterable[tuple[str, Scene]],  # read one at a time
) -> Written:
    """Write stages and tools of the scene and each cousin, and the layers that cousins need.

    Raises:
        ExportError: a cousin has other objects than the scene, or a name that is none.
        SceneError: a cousin is not consistent.
    """
    (assets / TOOLS).mkdir()
    order = [obj.name for obj in scene.objects]
    variants = {TWIN: _write_variant(TWIN, scene, assets, tasks, (layers, BACKGROUND_LAYER, ()), order)}
    used = {name: [layers[name]] for name in order}
    grounds, told = [BACKGROUND_LAYER], {}
    for name, cousin in cousins:
        if name in variants:
            raise ExportError(f"two cousins are called “{name}”")
        if sorted(obj.name for obj in cousin.objects) != sorted(order):
            raise ExportError(
                f"cousin {name} has other things than the scene, and environments side by side need the same",
                todo="make cousins without --vary clutter",
            )
        own, ground = write_cousin_layers(cousin, scene, layers, BACKGROUND_LAYER, assets, name)
        restated = [obj.name for obj in cousin.objects if own[obj.name] == layers[obj.name]]
        theirs, left_out = _same_tasks(cousin, tasks)
        variants[name] = _write_variant(name, cousin, assets, theirs, (own, ground, restated), order)
        for obj in order:
            used[obj].append(own[obj])
        grounds.append(ground)
        told[name] = {"objects": object_records(cousin), "tasks": list(theirs), "left_out": left_out}
    for files in (*used.values(), grounds):
        level_pieces(assets / file for file in files)
    return Written(variants, told)


def _write_variant(
    name: str,
    scene: Scene,
    assets: Path,
    tasks: dict[str, AnyTask],
    parts: tuple[dict[str, str], str, Iterable[str]],  # layers, background, objects told anew
    order: list[str],
) -> dict[str, Any]:
    """Write the tools and stages of one scene; what the package has to know of it."""
    layers, background, restated = parts
    names, stages = identifiers(order), {}
    for id, task in tasks.items():
        kind = id.split("-")[-2].lower()
        tool, stages[id] = f"{TOOLS}/{name}-{kind}.usda", f"{name}-{kind}.usda"
        if isinstance(task, PushTask):
            write_pusher(task, assets / tool)
        else:
            write_gripper(task.gripper, assets / tool)
        write_stage(assets / stages[id], scene, (layers, background, tool), set(restated), order)
    stages[BARE] = f"{name}.usda"
    write_stage(assets / stages[BARE], scene, (layers, background, None), set(restated), order)
    poses = {}
    for obj in scene.objects:
        w, x, y, z = (np.asarray(obj.wxyz) / np.linalg.norm(obj.wxyz)).tolist()
        poses[names[obj.name]] = [*np.asarray(obj.position).tolist(), x, y, z, w]
    return {"poses": poses, "stages": stages, "tasks": {id: task_as_json(task) for id, task in tasks.items()}}


def _same_tasks(cousin: Scene, tasks: dict[str, AnyTask]) -> tuple[dict[str, AnyTask], dict[str, str]]:
    """The scene's tasks, for the same objects, in a cousin; and why some are impossible there."""
    found: dict[str, AnyTask] = {}
    left_out: dict[str, str] = {}
    for id, task in tasks.items():
        try:
            if isinstance(task, PushTask):
                found[id] = push_task(cousin, task.target, heading=task.heading)
            elif isinstance(task, LiftTask):
                found[id] = lift_task(cousin, task.target)
            else:
                found[id] = rearrange_task(cousin, targets=task.targets)
        except UsageError as problem:
            left_out[id] = problem.problem
    return found, left_out
