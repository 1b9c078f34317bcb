"""Model and task of the small synthetic scene on disk, and scripts that solve the tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scan2sim.files import write_json
from scan2sim.sim import (
    LiftTask,
    PushTask,
    RearrangeTask,
    TaskEnv,
    TaskState,
    add_gripper,
    add_pusher,
    settled_scene,
    task_as_json,
)
from tests.scene.factory import make_scene


def written(folder: Path, task: PushTask | LiftTask | RearrangeTask) -> tuple[Path, Path]:
    scene, _ = settled_scene(make_scene())
    spec = add_pusher(scene, task) if isinstance(task, PushTask) else add_gripper(scene, task)
    for name, data in spec.assets.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "scene.xml").write_text(spec.to_xml())
    write_json(folder / "task.json", task_as_json(task))
    return folder / "scene.xml", folder / "task.json"


def push(task: PushTask, state: TaskState) -> np.ndarray:  # (2,)
    """Walk round the object until behind it, then push towards the goal."""
    away = state.position[0, :2] - state.goal[0, :2]
    away /= np.linalg.norm(away)
    relative = state.tool - state.position[0, :2]
    distance = np.linalg.norm(relative)
    touching = task.radius + task.pusher_radius
    if relative @ away / distance < 0.9:
        around = np.array([-relative[1], relative[0]]) / distance
        around *= np.sign(relative[0] * away[1] - relative[1] * away[0])
        wanted = around + 40 * (touching + 0.012 - distance) * relative / distance
    else:
        wanted = 30 * (state.position[0, :2] + away * (touching - 0.026) - state.tool)
    return np.clip(wanted, -1, 1).astype(np.float32)


def up(height: float) -> np.ndarray:  # (3,) [m]
    return np.array([0.0, 0.0, height])


def fly(state: TaskState, place: np.ndarray, opening: float) -> np.ndarray:  # (5,)
    """Towards a place of the grip point, without turning."""
    way = np.clip(20 * (place - state.tool[:3]), -1, 1)
    return np.array([*way, 0.0, opening], dtype=np.float32)


def drive(env: TaskEnv, place: np.ndarray, opening: float, steps: int) -> dict[str, object]:
    """Fly to a place and stay there until the time is over or the episode ends."""
    info: dict[str, object] = {}
    for _ in range(steps):
        _, _, ended, _, info = env.step(fly(env.state(), place, opening))
        if ended:
            break
    return info
