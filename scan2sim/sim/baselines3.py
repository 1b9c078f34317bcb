"""Tasks for stable-baselines3, which comes with the extra ``rl``: many worlds in one process as one ``VecEnv``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from scan2sim.errors import UsageError
from scan2sim.sim.task_vector_env import TaskVectorEnv
from scan2sim.sim.tasks import PushTask, action_of_pusher, seen_by_pusher

__all__ = ["TaskVecEnv"]

Array = NDArray[Any]


class TaskVecEnv(VecEnv):
    """The worlds of a :class:`TaskVectorEnv`, as stable-baselines3 steps them.

    Args:
        envs: the worlds; their ``autoreset`` is ``AutoresetMode.SAME_STEP``.
        as_pusher: Push only: observations are what :func:`seen_by_pusher` makes of them, and actions are velocities
            ahead and to the left.

    Raises:
        UsageError: the worlds start again one step later, or ``as_pusher`` is asked of another task or of pictures.
    """

    def __init__(self, envs: TaskVectorEnv, *, as_pusher: bool = False) -> None:
        if envs.metadata["autoreset_mode"] != AutoresetMode.SAME_STEP:
            raise UsageError("stable-baselines3 wants worlds with autoreset=AutoresetMode.SAME_STEP")
        shape = envs.single_observation_space.shape or ()
        if as_pusher and not (isinstance(envs.task, PushTask) and len(shape) == 1):
            raise UsageError("only the numbers of Push can be seen as by the pusher")
        self.envs, self.as_pusher = envs, as_pusher
        seen = envs.single_observation_space
        if as_pusher:
            seen = spaces.Box(-np.inf, np.inf, seen_by_pusher(np.zeros(shape)).shape, np.float32)
        super().__init__(envs.num_envs, seen, envs.single_action_space)
        self._observation = np.zeros((envs.num_envs, *shape), np.float32)
        self._seed: int | None = None
        self._returns, self._started = np.zeros(envs.num_envs), time.monotonic()
        self._lengths = np.zeros(envs.num_envs, dtype=np.int64)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """From which each world's seed is counted at the next reset."""
        self._seed = seed
        return [None if seed is None else seed + i for i in range(self.num_envs)]

    def reset(self) -> Array:
        """Begin an episode in every world."""
        self._observation, _ = self.envs.reset(seed=self._seed)
        self._seed = None
        self._returns[:], self._lengths[:] = 0, 0
        return self._seen(self._observation)

    def step_async(self, actions: Array) -> None:
        """What all worlds are to do."""
        self._actions = action_of_pusher(self._observation, actions) if self.as_pusher else actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Do it; episodes that end are followed by the next one at once."""
        self._observation, rewards, ended, cut, info = self.envs.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        over, infos = ended | cut, [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(over).tolist():
            infos[i] = {
                "terminal_observation": self._seen(info["final_obs"][i]),
                "TimeLimit.truncated": bool(cut[i] and not ended[i]),
                "is_success": bool(info["final_info"]["is_success"][i]),
                "episode": {
                    "r": float(self._returns[i]),
                    "l": int(self._lengths[i]),
                    "t": time.monotonic() - self._started,
                },
            }
        self._returns[over], self._lengths[over] = 0, 0
        return self._seen(self._observation), rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Let the worlds' threads go."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of all worlds together, once for each."""
        return [getattr(self.envs, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: worlds share their attributes."""
        raise NotImplementedError("the worlds share their attributes")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refused: worlds are no objects of their own."""
        raise NotImplementedError("the worlds are no environments of their own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Whether each world counts its returns and lengths; other wrappers have none to wrap."""
        return [wrapper_class.__name__ == "Monitor"] * len(list(self._get_indices(indices)))

    def _seen(self, observation: Array) -> Array:
        return seen_by_pusher(observation).astype(np.float32) if self.as_pusher else observation
