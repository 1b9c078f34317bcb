"""A policy of Push that is shown one picture and nothing else, and how it learns from what a teacher tells it.

Its network finds places in the picture: each of some heat maps is a distribution over it, whose mean is a place
(spatial softmax; Levine, Finn, Darrell and Abbeel 2016, "End-to-end training of deep visuomotor policies").  From these
come the action and, only to learn from, where pusher, target and goal are.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scan2sim.sim.tasks import PushTask, TaskState

__all__ = ["PictureLessons", "PicturePolicy"]

PLACES = 32  # heat maps
GRID = 16  # cells on a side of a heat map
BATCH = 128  # pictures learned from at a time
RATE = 2e-3  # of learning, at the beginning; it falls to 0 as half a cosine


class PicturePolicy(nn.Module):
    """Pictures of 64×64 pixels (B, 64, 64, 3) in 0..255 to actions (B, 2), and to three places (B, 6)."""

    def __init__(self) -> None:
        super().__init__()
        coarse = [nn.Conv2d(3, 16, 5, 2, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()]
        self.heat = nn.Sequential(*coarse, nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, PLACES, 1))
        self.prior = nn.Parameter(torch.zeros(PLACES, GRID, GRID))  # where each place is looked for
        self.where = nn.Linear(2 * PLACES, 6)
        deep = [nn.Linear(2 * PLACES + 6, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)]
        self.action = nn.Sequential(*deep)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Actions, and pusher, target and goal on the table from the target's home, in the largest goal distance."""
        maps = self.heat(pictures.permute(0, 3, 1, 2) / 127.5 - 1) + self.prior
        side = torch.linspace(-1, 1, GRID)
        grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), 2).flatten(0, 1)
        places = (maps.flatten(2).softmax(2) @ grid).flatten(1)
        where = self.where(places)
        return self.action(torch.cat([places, where], 1)), where

    def act(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:  # (B, 64, 64, 3) → (B, 2)
        """What to do where this is seen."""
        with torch.no_grad():
            return self(torch.from_numpy(pictures))[0].numpy()


class PictureLessons:
    """All that a student was shown and told so far, and its learning from it.

    Args:
        student: what learns.
        task: what it learns to do.
        batches: that it will learn from in all.
    """

    def __init__(self, student: PicturePolicy, task: PushTask, batches: int) -> None:
        self.student, self.task = student, task
        self._shown: list[Tensor] = []
        self._told: list[Tensor] = []
        self._places: list[Tensor] = []
        self._optimizer = torch.optim.Adam(student.parameters(), RATE)
        self._slower = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, batches)

    def __len__(self) -> int:
        """How many pictures were shown."""
        return sum(map(len, self._shown))

    def add(
        self,
        pictures: NDArray[np.uint8],  # (B, 64, 64, 3)
        state: TaskState,  # in which they were taken
        actions: NDArray[np.floating],  # (B, 2) that the teacher would take there
    ) -> None:
        """Remember a batch."""
        places = np.stack([state.tool, state.position[:, 0, :2], state.goal[:, 0, :2]], 1) - self.task.home[:2]
        self._shown.append(torch.from_numpy(pictures))
        self._told.append(torch.from_numpy(actions).float())
        self._places.append(torch.from_numpy(places / self.task.goal_distance[1]).float().flatten(1))

    def learn(self, batches: int) -> float:
        """Learn from so many batches, drawn from all; returns the mean squared error of their actions."""
        shown, told, places = torch.cat(self._shown), torch.cat(self._told), torch.cat(self._places)
        losses = []
        for _ in range(batches):
            some = torch.randint(len(shown), (BATCH,))
            actions, where = self.student(shown[some])
            loss = nn.functional.mse_loss(actions, told[some])
            self._optimizer.zero_grad()
            (loss + nn.functional.mse_loss(where, places[some])).backward()
            self._optimizer.step()
            self._slower.step()
            losses.append(loss.item())
        return float(np.mean(losses))
