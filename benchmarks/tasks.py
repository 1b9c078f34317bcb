"""How fast tasks step, and what their coarser physics costs.

Speed is actions of 1/30 s per second of processor time, so that what else runs does not count: through
``gymnasium.make_vec`` with random actions, with a pusher that pushes all the time, and plain ``mj_step`` of the same
model with the same random actions.  Accuracy is of straight pushes of 1.5 s at 0.1 m/s from 24 starts of each free
thing, off centre by up to 0.3 of its radius: how far it lies from where steps of 1/1920 s put it, and how far it drifts
in 2 s of rest.  ``--pixels`` measures Push with pictures and random actions instead, by one thread.

Usage:
    scan2sim export outputs/desk --to gymnasium -o desk-gym
    python benchmarks/tasks.py desk-gym --json
"""

# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import AutoresetMode
from measuring import print_figures
from numpy.typing import NDArray

from scan2sim.scene import load_scene
from scan2sim.sim import PushTask, TaskVectorEnv, TaskWorld, push_task, task_model
from scan2sim.sim.tasks import SUBSTEPS
from scan2sim.splats import set_threads

WORLDS, CALLS = 32, 60
STARTS, SECONDS, SPEED = 24, 1.5, 0.1  # of the straight pushes; [s], [m/s]
EXACT = 64  # steps of physics an action that the others are held against


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what scan2sim export --to gymnasium wrote")
    parser.add_argument("--pixels", action="store_true", help="measure Push with pictures only")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    args = parser.parse_args()
    sys.path.insert(0, str(args.folder.absolute()))
    package = json.loads((args.folder / "export.json").read_text())["package"]
    figures: dict[str, Any] = {"substeps": SUBSTEPS}
    names = importlib.import_module(package).ENVIRONMENTS
    if args.pixels:
        print_figures(figures | pictures(next(name for name in names if name.endswith("-Push-v0"))), args.json)
        return
    for name in names:
        for substeps in (SUBSTEPS, 16):
            figures |= speed(name, substeps)
    figures |= accuracy(load_scene(args.folder / package / "scene"))
    print_figures(figures, args.json)


def speed(name: str, substeps: int) -> dict[str, int]:
    """Actions per second of processor time."""
    envs: TaskVectorEnv = gymnasium.make_vec(name, WORLDS, substeps=substeps, threads=1)  # pyright: ignore[reportAssignmentType]
    label = f"{name.split('-')[1].lower()}_{30 * substeps}"
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (CALLS, *envs.action_space.shape)).astype(np.float32)
    envs.reset(seed=0)
    found = {f"{label}_random": _rate(lambda k: envs.step(actions[k]))}
    if isinstance(envs.task, PushTask):
        seen, _ = envs.reset(seed=1)

        def push(k: int) -> None:
            nonlocal seen
            ahead = -seen[:, 16:18]
            seen = envs.step(ahead / np.linalg.norm(ahead, axis=1, keepdims=True))[0]

        found[f"{label}_pushing"] = _rate(push)
    worlds = [TaskWorld(envs.worlds[0].model, envs.task, substeps) for _ in range(WORLDS)]
    for seed, world in enumerate(worlds):
        world.reset(np.random.default_rng(seed), randomize=False)
    controls = envs.task.control(actions)  # in the order of the model's actuators

    def plain(k: int) -> None:
        for world, control in zip(worlds, controls[k], strict=True):
            world.data.ctrl[:] = control
            mujoco.mj_step(world.model, world.data, substeps)

    found[f"{label}_plain"] = _rate(plain)
    envs.close()
    return found


def pictures(name: str) -> dict[str, int]:
    """Actions per second of processor time where each world is seen after each."""
    set_threads(1)
    settings = {"obs": "pixels", "threads": 1, "autoreset": AutoresetMode.SAME_STEP}
    envs = gymnasium.make_vec(name, WORLDS, **settings)  # pyright: ignore[reportArgumentType]
    actions = np.random.default_rng(0).uniform(-1, 1, (CALLS, *envs.action_space.shape)).astype(np.float32)
    envs.reset(seed=0)
    envs.step(actions[0])
    return {"push_pixels_random": _rate(lambda k: envs.step(actions[k]))}


def _rate(step: Callable[[int], object]) -> int:
    started = time.process_time()
    for k in range(CALLS):
        step(k)
    return round(CALLS * WORLDS / (time.process_time() - started))


def accuracy(scene: Any) -> dict[str, float]:
    """Millimetres and degrees by the rate of physics [Hz], over all free things."""
    things = [obj.name for obj in scene.objects if obj.mobility == "free"]
    tasks = [(push_task(scene, name), task_model(scene, push_task(scene, name))) for name in things]
    exact = [pushed(TaskWorld(model, task, EXACT)) for task, model in tasks]
    figures: dict[str, float] = {}
    for substeps in (4, 8, 16):
        ends = [pushed(TaskWorld(model, task, substeps)) for task, model in tasks]
        off = np.concatenate(
            [1e3 * np.linalg.norm(a[:, :3] - b[:, :3], axis=1) for a, b in zip(ends, exact, strict=True)]
        )
        same = np.concatenate([np.abs((a[:, 3:] * b[:, 3:]).sum(1)) for a, b in zip(ends, exact, strict=True)])
        turn = np.degrees(2 * np.arccos(np.clip(same, 0, 1)))
        label = f"{30 * substeps}_push_error"
        figures |= {f"{label}_mm_{q}": round(float(np.quantile(off, q / 100)), 2) for q in (50, 90)}
        figures[f"{label}_degrees_50"] = round(float(np.median(turn)), 2)
        drifts = [_drift(TaskWorld(model, task, substeps)) for task, model in tasks]
        figures[f"{30 * substeps}_rest_drift_mm"] = round(1e3 * max(drifts), 2)
    return figures


def pushed(world: TaskWorld) -> NDArray[np.float64]:  # (STARTS, 7)
    """Where straight pushes leave the target."""
    task, ends = world.task, []
    for seed in range(STARTS):
        rng = np.random.default_rng(seed)
        start = task.sample_start(rng)
        world.place(start)
        joint = world.data.joint(task.objects[0])
        way = joint.qpos[:2] + rng.uniform(-0.3, 0.3, 2) * task.radius - start.tool
        for _ in range(round(30 * SECONDS)):
            world.step(SPEED * way / np.linalg.norm(way))
        ends.append(joint.qpos.copy())
    return np.array(ends)


def _drift(world: TaskWorld) -> float:  # [m]
    start = world.task.sample_start(np.random.default_rng(0))
    world.place(start)
    mujoco.mj_resetDataKeyframe(world.model, world.data, world.model.key("home").id)
    joint = world.data.joint(world.task.objects[0])
    before = joint.qpos[:3].copy()
    for _ in range(60):
        world.step(np.zeros(2))
    return float(np.linalg.norm(joint.qpos[:3] - before))


if __name__ == "__main__":
    main()
