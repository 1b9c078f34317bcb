"""A task in the scene and its cousins side by side: every environment follows the numbers of the one that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["TaskBatch"]


class TaskBatch:
    """The tasks of a batch of environments, with the functions that a task has.

    Rows of states belong to all environments, or to those whose numbers are given.

    Raises:
        ValueError: the tasks are not of one kind with the same objects.
    """

    def __init__(self, tasks: Sequence[Any], which: Tensor) -> None:  # which (N,) int: each environment's task
        first = tasks[0]
        if any((type(task), task.objects) != (type(first), first.objects) for task in tasks):
            raise ValueError("the cousins' tasks move other objects than the scene's")
        self.tasks, self.which = tuple(tasks), which
        self.objects: tuple[str, ...] = first.objects
        self.action_size, self.observation_size = first.action_size, first.observation_size

    def observation(self, state: Any) -> Tensor:  # (N, observation_size)
        """What a policy sees."""
        return self._each(lambda task, part: task.observation(part), state)

    def control(self, action: Tensor) -> Tensor:  # (N, A) → (N, U)
        """What the tool's servos are told."""
        return self._each(lambda task, part: task.control(part[0]), (action,))

    def potential(self, state: Any, ids: Tensor | None = None) -> Tensor:  # (N,)
        """Whose gain is the reward."""
        return self._each(lambda task, part: task.potential(part), state, ids)

    def success(self, state: Any) -> Tensor:  # (N,) bool
        """Whether all is done."""
        return self._each(lambda task, part: task.success(part), state)

    def failed(self, state: Any) -> Tensor:  # (N,) bool
        """Whether an object has left the table."""
        return self._each(lambda task, part: task.failed(part), state)

    def marks(self, goal: Tensor) -> Tensor:  # (N, O, 3) → (N, M, 4)
        """Discs that show the goals: centres and radii [m]."""
        return self._each(lambda task, part: task.marks(part[0]), (goal,))

    def sample_start(self, ids: Tensor) -> Any:
        """Draw starts of those environments."""
        parts, rows = [], []
        for number, task in enumerate(self.tasks):
            own = (self.which[ids] == number).nonzero()[:, 0]
            if len(own):
                parts.append(task.sample_start(len(own), ids.device))
                rows.append(own)
        order = torch.cat(rows).argsort()
        return type(parts[0])(*(torch.cat(each)[order] for each in zip(*parts, strict=True)))

    def _each(self, function: Callable[[Any, Any], Tensor], state: Any, ids: Tensor | None = None) -> Tensor:
        """A function of a task and its rows, for every task, put together again."""
        if len(self.tasks) == 1:
            return function(self.tasks[0], state)
        which = self.which if ids is None else self.which[ids]
        parts, rows = [], []
        for number, task in enumerate(self.tasks):
            own = (which == number).nonzero()[:, 0]
            if len(own):
                values = [each[own] for each in state]
                parts.append(function(task, type(state)(*values) if hasattr(state, "_fields") else values))
                rows.append(own)
        return torch.cat(parts)[torch.cat(rows).argsort()]
