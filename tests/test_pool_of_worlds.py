"""Worlds of many scenes: every scheduled episode is lived once, as the task has it."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from scan2sim.sim import TaskWorld, push_task, states_of
from scan2sim.sim.baselines3 import AsPusher
from scan2sim.sim.tasks import action_of_pusher
from tests.scene.factory import make_scene

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("pool_of_worlds")
    sys.modules.pop("pool_of_worlds", None)


def test_a_schedule_is_lived_to_its_end(pool) -> None:
    scene = make_scene()
    places = [pool.place_of(scene, replace(push_task(scene, name), horizon=6)) for name in ("box", "ball")]
    schedule = [(number % 2, 100 + number) for number in range(5)]
    worlds = pool.PoolOfWorlds(places, 3, 0, randomize=False, schedule=schedule)
    seen, ends = AsPusher(worlds), 0
    seen.reset()
    ahead = np.tile([1.0, 0.0], (3, 1))
    while len(worlds.results) < 5:
        _, _, done, infos = seen.step(ahead)
        ends += int(done.sum())
        assert all(("terminal_observation" in info) == bool(over) for info, over in zip(infos, done, strict=True))
        assert ends <= 5
    assert sorted(worlds.results) == list(range(5))


def test_rewards_are_the_tasks(pool) -> None:
    task = push_task(make_scene(), "box")
    place = pool.place_of(make_scene(), task)
    worlds = pool.PoolOfWorlds([place, place], 2, 0, randomize=False, schedule=[(0, 5), (1, 6), (0, 7)])
    seen = worlds.reset()
    alone = [TaskWorld(place.model, task) for _ in range(2)]
    for world, seed in zip(alone, (5, 6), strict=True):
        world.reset(np.random.default_rng(seed), randomize=False)
    for _ in range(12):
        before = states_of(task, [world.row() for world in alone])
        actions = action_of_pusher(seen, np.tile([1.0, 0.1], (2, 1)))
        for world, action in zip(alone, actions, strict=True):
            world.step(task.control(action))
        after = states_of(task, [world.row() for world in alone])
        seen, rewards, _, _ = worlds.step(actions)
        assert seen == pytest.approx(task.observation(after), abs=1e-5)
        assert rewards == pytest.approx(task.reward(before, after), abs=1e-5)
