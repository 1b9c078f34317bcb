"""A policy that is shown pictures learns what it is told of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from scan2sim.sim import PictureLessons, PicturePolicy, PushTask, TaskState, push_task
from tests.scene.factory import make_scene


def lesson(task: PushTask, count: int, rng: np.random.Generator) -> tuple[np.ndarray, TaskState, np.ndarray]:
    """Pictures of a red target and a blue goal on grey, the state, and the action straight from one to the other."""
    places = rng.uniform(-1, 1, (count, 3, 2))
    rows, columns = np.mgrid[-1:1:64j, -1:1:64j]
    pictures = np.full((count, 64, 64, 3), 128, np.uint8)
    for k, color in ((1, (255, 0, 0)), (2, (0, 0, 255))):
        x, y = places[:, k, 0, None, None], places[:, k, 1, None, None]
        pictures[(rows - y) ** 2 + (columns - x) ** 2 < 0.15**2] = color
    flat = places * task.goal_distance[1] + np.array(task.home[:2])
    blank = np.zeros((count, 1, 3))
    state = TaskState(
        tool=flat[:, 0],
        tool_velocity=np.zeros((count, 2)),
        position=np.concatenate([flat[:, 1:2], blank[..., :1]], 2),
        wxyz=np.tile([1.0, 0, 0, 0], (count, 1, 1)),
        velocity=blank,
        spin=blank,
        touch=np.zeros((count, 0)),
        goal=np.concatenate([flat[:, 2:], blank[..., :1]], 2),
    )
    return pictures, state, (places[:, 2] - places[:, 1]) / 2


def test_it_learns_what_to_do_from_pictures_alone_and_where_things_are() -> None:
    torch.manual_seed(0)
    task, rng = push_task(make_scene()), np.random.default_rng(0)
    student = PicturePolicy()
    lessons = PictureLessons(student, task, 36)
    for _ in range(4):
        lessons.add(*lesson(task, 500, rng))
    assert len(lessons) == 2000
    errors = [lessons.learn(12) for _ in range(3)]
    pictures, state, actions = lesson(task, 200, rng)
    error, blind = ((student.act(pictures) - actions) ** 2).mean(), actions.var(0).mean()
    assert errors[2] < 0.5 * errors[0]
    assert error < 0.3 * blind, "also of pictures that it was not shown before"
    where = student(torch.from_numpy(pictures))[1].detach().numpy()[:, 2:]
    places = (np.stack([state.position[:, 0], state.goal[:, 0]], 1)[..., :2] - task.home[:2]) / task.goal_distance[1]
    assert ((where - places.reshape(-1, 4)) ** 2).mean() < 0.3 * places.var()


def test_where_things_are_is_told_from_the_targets_home() -> None:
    """A scene that stands elsewhere teaches the same."""
    found = []
    for shift in (0.0, 0.7):
        task = push_task(make_scene())
        task = replace(task, home=(task.home[0] + shift, *task.home[1:]))
        torch.manual_seed(0)
        lessons = PictureLessons(PicturePolicy(), task, 2)
        lessons.add(*lesson(task, 50, np.random.default_rng(0)))
        lessons.learn(2)
        found.append(lessons.student.where.bias.detach().numpy())
    assert np.allclose(*found, atol=1e-5)
