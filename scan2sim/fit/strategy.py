"""The one protocol of all ways to add and remove Gaussians during training."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.splats import Rendering

__all__ = ["Strategy", "densifies", "step_generator"]


class Strategy(Protocol):
    """Looks at every step and changes the parameters between steps."""

    def after_backward(self, rendering: Rendering) -> None:
        """Take note of a step's rendering, whose ``means2d.grad`` is there now."""
        ...

    def after_step(self, step: int, factor: int) -> None:
        """Add, move or remove Gaussians after ``step`` steps, the last of them on photos reduced ``factor`` times."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors named ``densify/…``."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        ...


def densifies(step: int, config: FitConfig) -> bool:
    """Whether Gaussians are added after ``step`` steps."""
    densify = config.densify
    return step % densify.every == 0 and densify.start <= step / config.steps <= densify.until


def step_generator(seed: int, step: int) -> torch.Generator:
    """Random numbers that depend on nothing but seed and step, on the CPU: the same for every device and resume."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)
