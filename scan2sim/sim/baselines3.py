"""Tasks for stable-baselines3, which comes with the extra ``rl``: many worlds in one process as one ``VecEnv``, and its
policies of Push as teachers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from scan2sim.errors import UsageError
from scan2sim.sim.task_vector_env import TaskVectorEnv
from scan2sim.sim.tasks import PUSH_SIZES, PushTask, TaskState, action_of_pusher, seen_by_pusher

__all__ = ["AsPusher", "PushTeacher", "TaskVecEnv"]

Array = NDArray[Any]
LIMIT = 10.0  # of scaled observations, as VecNormalize clips them


class TaskVecEnv(VecEnv):
    """The worlds of a :class:`TaskVectorEnv`, as stable-baselines3 steps them.

    Args:
        envs: the worlds; their ``autoreset`` is ``AutoresetMode.SAME_STEP``.

    Raises:
        UsageError: the worlds start again one step later.
    """

    def __init__(self, envs: TaskVectorEnv) -> None:
        if envs.metadata["autoreset_mode"] != AutoresetMode.SAME_STEP:
            raise UsageError("stable-baselines3 wants worlds with autoreset=AutoresetMode.SAME_STEP")
        self.envs = envs  # first, since the base asks for render_mode
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self._seed: int | None = None
        self._started = time.monotonic()
        self._returns, self._lengths = np.zeros(envs.num_envs), np.zeros(envs.num_envs, dtype=np.int64)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """From which each world's seed is counted at the next reset."""
        self._seed = seed
        return [None if seed is None else seed + i for i in range(self.num_envs)]

    def reset(self) -> Array:
        """Begin an episode in every world."""
        seen, _ = self.envs.reset(seed=self._seed)
        self._seed = None
        self._returns[:], self._lengths[:] = 0, 0
        return seen

    def step_async(self, actions: Array) -> None:
        """What all worlds are to do."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Do it; episodes that end are followed by the next one at once."""
        seen, rewards, ended, cut, info = self.envs.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        over, infos = ended | cut, [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(over).tolist():
            infos[i] = {
                "terminal_observation": info["final_obs"][i],
                "TimeLimit.truncated": bool(cut[i] and not ended[i]),
                "is_success": bool(info["final_info"]["is_success"][i]),
                "episode": {
                    "r": float(self._returns[i]),
                    "l": int(self._lengths[i]),
                    "t": time.monotonic() - self._started,
                },
            }
        self._returns[over], self._lengths[over] = 0, 0
        return seen, rewards.astype(np.float32), over, infos

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


class AsPusher(VecEnvWrapper):
    """Push as its pusher sees it: observations of :func:`seen_by_pusher`, velocities ahead and to the left.

    Raises:
        UsageError: the worlds do not show the numbers of Push.
    """

    def __init__(self, venv: VecEnv) -> None:
        shape = venv.observation_space.shape
        if shape not in ((PUSH_SIZES[False],), (PUSH_SIZES[True],)):
            raise UsageError(f"only the numbers of Push can be seen as by the pusher, not observations of {shape}")
        size = seen_by_pusher(np.ones(shape)).shape
        super().__init__(venv, observation_space=spaces.Box(-np.inf, np.inf, size, np.float32))
        self._last = np.zeros((venv.num_envs, *shape), np.float32)

    def reset(self) -> Array:
        """Begin an episode in every world."""
        self._last = np.asarray(self.venv.reset())
        return seen_by_pusher(self._last).astype(np.float32)

    def step_async(self, actions: Array) -> None:
        """What the pushers of all worlds are to do."""
        self.venv.step_async(action_of_pusher(self._last, actions))

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Do it."""
        seen, rewards, over, infos = self.venv.step_wait()
        self._last = np.asarray(seen)
        for i in np.flatnonzero(over).tolist():
            last = infos[i]["terminal_observation"]
            infos[i] = {**infos[i], "terminal_observation": seen_by_pusher(last).astype(np.float32)}
        return seen_by_pusher(self._last).astype(np.float32), rewards, over, infos


class PushTeacher:
    """What a policy that sees as the pusher does would do in states of Push.

    Args:
        path: the policy that ``examples/02_train.py`` saved, with or without .zip; beside it the scales, .npz.

    Raises:
        UsageError: a file is missing.
    """

    def __init__(self, path: Path) -> None:
        files = path.with_suffix(".zip"), path.with_suffix(".npz")
        for file in files:
            if not file.is_file():
                raise UsageError(f"no policy at {file}", todo="train one with examples/02_train.py --task Push")
        self._policy, scales = PPO.load(files[0], device="cpu"), np.load(files[1], allow_pickle=False)
        self._mean, self._sd = scales["mean"], np.sqrt(scales["var"] + 1e-8)

    def actions(self, task: PushTask, state: TaskState) -> Array:  # (B, 2) in scene axes
        """Its most likely ones."""
        numbers = task.observation(state)
        scaled = (seen_by_pusher(numbers) - self._mean) / self._sd
        return action_of_pusher(numbers, self._policy.predict(scaled.clip(-LIMIT, LIMIT), deterministic=True)[0])
