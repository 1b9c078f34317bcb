"""Many worlds of one task at once: observations, rewards and pictures are computed as one batch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from scan2sim.errors import UsageError
from scan2sim.sim.task_env import Observed, observed, task_spaces, what_happens
from scan2sim.sim.task_pixels import TaskCamera
from scan2sim.sim.task_world import TaskWorld, states_of
from scan2sim.sim.tasks import CONTROL_HZ, SUBSTEPS, TaskState

__all__ = ["TaskVectorEnv"]

Array = NDArray[Any]


class TaskVectorEnv(VectorEnv):
    """Worlds of :class:`TaskEnv` stepped by threads; MuJoCo releases Python's lock while it steps.

    Each world has a random generator of its own, seeded with ``seed + i``; world i goes the way of a single environment
    with that seed.  An episode that has ended starts again with the next step (Gymnasium's ``NEXT_STEP``), or in the
    same step (``SAME_STEP``), whose ``info`` then has ``final_obs`` and ``final_info``.

    Args:
        num_envs: how many worlds.
        model: the MJCF file written by the Gymnasium export.
        task: the task description beside it.
        obs: ``state`` or ``pixels``.
        scene: the scene folder that the splats come from, for pixels.
        randomize: whether each episode draws masses and frictions from the scene's intervals.
        substeps: steps of physics an action; 16 are the steps of 1/480 s of the scene at rest.
        target: Push and Lift: another thing of the scene than the task's own; the scene folder is needed.
        max_episode_steps: after which an episode is truncated; None takes the task's horizon.
        threads: how many step worlds.
        autoreset: when episodes that have ended start again.

    Raises:
        ExportError: a file is missing or damaged.
        SceneError: the scene folder is damaged.
        UsageError: pixels or another target are asked for without a scene, the target does not fit the task, there is
            no step of physics, or episodes would not start again.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (as Gymnasium declares it)
        "render_modes": [],
        "render_fps": CONTROL_HZ,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        model: str | Path,
        task: str | Path,
        obs: Observed = "state",
        scene: str | Path | None = None,
        randomize: bool = True,
        substeps: int = SUBSTEPS,
        target: str | None = None,
        max_episode_steps: int | None = None,
        threads: int = 2,
        autoreset: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        if autoreset == AutoresetMode.DISABLED:
            raise UsageError("episodes that end have to start again", todo="choose NEXT_STEP or SAME_STEP")
        self.metadata = {**self.metadata, "autoreset_mode": autoreset}
        self.num_envs = num_envs
        shared, self.task = what_happens(Path(model), Path(task), scene, target)
        self.randomize = randomize
        self.horizon = max_episode_steps or self.task.horizon
        self.render_mode = None
        self.worlds = [TaskWorld(shared, self.task, substeps) for _ in range(num_envs)]
        self._camera = TaskCamera(self.task, scene, self.worlds[0]) if obs == "pixels" else None
        self.single_observation_space, self.single_action_space = task_spaces(self.task, self._camera)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._rngs = [seeding.np_random(None)[0] for _ in range(num_envs)]
        self._last = self._state()
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._over = np.zeros(num_envs, dtype=bool)
        self._groups = np.array_split(np.arange(num_envs), max(1, min(threads, num_envs)))
        self._pool = ThreadPoolExecutor(len(self._groups)) if len(self._groups) > 1 else None

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start all episodes; ``seed`` is one for all, from which each world's is counted, or one for each."""
        if seed is not None:
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
            self._rngs = [seeding.np_random(one)[0] for one in seeds]
        self._each(lambda i: self.worlds[i].reset(self._rngs[i], randomize=self.randomize))
        self._elapsed[:], self._over[:] = 0, False
        state = self._last = self._state()
        return observed(self.task, state, self.worlds, self._camera), self._info(state)

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Drive all tools for 1/30 s; worlds whose episodes are over start again instead."""
        again, before, controls = self._over.copy(), self._last, self.task.control(np.asarray(actions))

        def go(i: int) -> None:
            if again[i]:
                self.worlds[i].reset(self._rngs[i], randomize=self.randomize)
            else:
                self.worlds[i].step(controls[i])

        self._each(go)
        after = self._last = self._state()
        self._elapsed = np.where(again, 0, self._elapsed + 1)
        rewards = np.where(again, 0.0, self.task.reward(before, after))
        ended = (self.task.success(after) | self.task.failed(after)) & ~again
        cut = (self._elapsed >= self.horizon) & ~again
        self._over = ended | cut
        seen, info = observed(self.task, after, self.worlds, self._camera), self._info(after)
        if self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP and self._over.any():
            seen, info = self._start_again(seen, info)
        return seen, rewards, ended, cut, info

    def state(self) -> TaskState:
        """The states of all worlds, as the task's functions take them."""
        return self._last

    def close_extras(self, **kwargs: Any) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()

    def _start_again(self, last: Array, about: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
        """Start what is over at once; what was seen last goes into ``info`` as Gymnasium's own vector has it."""
        over = self._over.copy()
        started = np.flatnonzero(over).tolist()
        for i in started:
            self.worlds[i].reset(self._rngs[i], randomize=self.randomize)
        self._elapsed[over], self._over[:] = 0, False
        state = self._last = self._state()
        final, seen = np.full(self.num_envs, None, dtype=object), last.copy()
        for i in started:
            final[i] = last[i]
        first = TaskState(**{name: value[over] for name, value in vars(state).items()})
        seen[over] = observed(self.task, first, [self.worlds[i] for i in started], self._camera)
        ends = {name: np.where(over, value, np.zeros_like(value)) for name, value in about.items()}
        info = self._info(state) | {"final_obs": final, "_final_obs": over, "final_info": ends, "_final_info": over}
        return seen, info

    def _each(self, do: Callable[[int], None]) -> None:
        """Do something for each world, each thread its share."""
        if self._pool is None:
            for i in range(self.num_envs):
                do(i)
            return
        list(self._pool.map(lambda group: [do(i) for i in group.tolist()], self._groups))

    def _state(self) -> TaskState:
        return states_of(self.task, [world.row() for world in self.worlds])

    def _info(self, state: TaskState) -> dict[str, Any]:
        done = np.ones(self.num_envs, dtype=bool)
        figures = {"is_success": self.task.success(state), "distance": self.task.distance(state)}
        return figures | {f"_{name}": done for name in figures}
