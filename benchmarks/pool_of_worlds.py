"""Many worlds of many scenes for stable-baselines3: each episode happens in a scene that is drawn from a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from scan2sim.scene import Scene
from scan2sim.sim import LiftTask, PushTask, TaskWorld, states_of, task_model

__all__ = ["Place", "PoolOfWorlds", "place_of"]

LIMIT = 20.0  # observations are clipped to ± this


@dataclass(frozen=True)
class Place:
    """One scene with its task, compiled."""

    model: mujoco.MjModel
    task: LiftTask | PushTask


def place_of(scene: Scene, task: LiftTask | PushTask) -> Place:
    """Compile a scene for a task."""
    return Place(task_model(scene, task), task)


class PoolOfWorlds(VecEnv):
    """Worlds stepped one after the other, each its own episode in a place of its own.

    Args:
        places: what is drawn from.
        count: how many worlds.
        seed: of the draws.
        randomize: whether each episode draws masses and frictions from its scene's intervals.
        schedule: (place, seed) of each episode to come, in turn, instead of draws; used for testing in pairs.
    """

    def __init__(
        self,
        places: Sequence[Place],
        count: int,
        seed: int,
        *,
        randomize: bool,
        schedule: Sequence[tuple[int, int]] = (),
    ) -> None:
        task = places[0].task
        seen = spaces.Box(-LIMIT, LIMIT, (task.observation_size,), np.float32)
        super().__init__(count, seen, spaces.Box(-1.0, 1.0, (task.action_size,), np.float32))
        self.places, self.randomize = places, randomize
        self.schedule, self.next = list(schedule), 0
        self.rng = np.random.default_rng(seed)
        self.worlds: list[TaskWorld | None] = [None] * count
        self.episodes: list[int] = [-1] * count  # number of the scheduled episode that each world is in
        self.elapsed, self.horizons = np.zeros(count, dtype=int), np.full(count, task.horizon)
        self.worth = np.zeros(count)  # potential of each world
        self.results: dict[int, bool] = {}  # success by number of the scheduled episode

    def reset(self) -> NDArray[np.float32]:
        """Begin an episode in every world."""
        for i in range(self.num_envs):
            self._start(i)
        seen, self.worth, _, _ = self._look(range(self.num_envs))
        return seen

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """What all worlds are to do."""
        self.actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Do it; episodes that end are followed by the next one at once."""
        for world, action in zip(self.worlds, self.actions, strict=True):
            if world is not None:
                world.step(world.task.control(action))
        seen, worth, success, failed = self._look(range(self.num_envs))
        rewards = (worth - self.worth + success).astype(np.float32)  # as every task has it
        self.elapsed += 1
        over = success | failed
        done = (over | (self.elapsed >= self.horizons)) & [world is not None for world in self.worlds]
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ends = np.flatnonzero(done).tolist()
        for i in ends:
            infos[i] = {"terminal_observation": seen[i].copy(), "TimeLimit.truncated": not over[i]}
            infos[i]["is_success"] = bool(success[i])
            if self.episodes[i] >= 0:
                self.results[self.episodes[i]] = bool(success[i])
            self._start(i)
        self.worth = worth
        if ends:
            seen[ends], self.worth[ends], _, _ = self._look(ends)
        return seen, rewards, done, infos

    def _start(self, i: int) -> None:
        """Begin the next episode in world i; with a schedule that is used up, the world is empty from then on."""
        if self.schedule and self.next >= len(self.schedule):
            self.worlds[i], self.episodes[i] = None, -1
            return
        if self.schedule:
            number, seed = self.schedule[self.next]
            self.episodes[i], rng = self.next, np.random.default_rng(seed)
            self.next += 1
        else:
            number, rng = int(self.rng.integers(len(self.places))), self.rng
        place = self.places[number]
        world = TaskWorld(place.model, place.task)
        world.reset(rng, randomize=self.randomize)
        self.worlds[i], self.elapsed[i], self.horizons[i] = world, 0, place.task.horizon

    def _look(
        self, which: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Observation, potential, success and failure of worlds; those in the same place are one batch."""
        groups: dict[int, list[int]] = {}
        for k, i in enumerate(which):
            if (world := self.worlds[i]) is not None:
                groups.setdefault(id(world.task), []).append(k)
        seen = np.zeros((len(which), *self.observation_space.shape), np.float32)
        worth, success, failed = np.zeros(len(which)), np.zeros(len(which), bool), np.zeros(len(which), bool)
        for rows in groups.values():
            worlds = [world for k in rows if (world := self.worlds[which[k]]) is not None]
            task = worlds[0].task
            state = states_of(task, [world.row() for world in worlds])
            seen[rows] = np.clip(task.observation(state), -LIMIT, LIMIT)
            worth[rows], success[rows], failed[rows] = task.potential(state), task.success(state), task.failed(state)
        return seen, worth, success, failed

    def close(self) -> None:
        """There is nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same for all worlds."""
        return [getattr(self, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Worlds have no attributes to set."""

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Worlds have no methods to call."""
        return [None] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """They are not."""
        return [False] * self.num_envs
