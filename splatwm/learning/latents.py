"""What a body is like, from how it moved: the latents that make a trained network follow a recorded motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from splatwm.config import PhysicsConfig
from splatwm.learning.frames import Frames, with_links_of
from splatwm.learning.loss import step_error, weighted_loss
from splatwm.model import ContactNetwork, step

__all__ = ["LatentConfig", "infer_latents", "with_latents"]


@dataclass(frozen=True)
class LatentConfig:
    """How latents are sought."""

    steps: int = 60
    """Of Adam."""
    batch: int = 24
    """Frames in a step."""
    rate: float = 0.05
    """Learning rate."""
    pull: float = 0.01
    """Towards zero, which says that nothing is known."""
    seed: int = 0
    """Of the frames that are drawn."""


def infer_latents(
    network: ContactNetwork,
    frames: Frames,  # episodes with the same bodies in the same places
    physics: PhysicsConfig,
    config: LatentConfig = LatentConfig(),
) -> Tensor:  # (O, L)
    """Latents of the bodies of some episodes, by gradient through the solver; those of what does not move stay zero.

    Raises:
        UsageError: the network has no latents.
    """
    bodies = frames.first.mass.shape[1]
    latents = torch.zeros(bodies, network.config.latents, requires_grad=True)
    optimizer = torch.optim.Adam([latents], config.rate)
    generator = torch.Generator().manual_seed(config.seed)
    for _ in range(config.steps):
        moments = frames.draw(config.batch, 1, generator)
        state, truth = frames.at(moments), frames.at(moments, 1)
        mine = latents * state.free[..., None]
        corrector = network.corrector(mine, physics)
        stepped = step(state, frames.shapes, frames.dt, physics, corrector)
        error = step_error(with_links_of(stepped.state, truth), truth, frames.dt)
        loss = weighted_loss(error, state, truth, frames.dt) + config.pull * mine.square().sum(-1).mean()
        (gradient,) = torch.autograd.grad(loss, latents)
        latents.grad = torch.nan_to_num(gradient)
        optimizer.step()
    return latents.detach() * frames.first.free[0, :, None]


def with_latents(frames: Frames, latents: Tensor) -> Frames:  # (O, L)
    """The same episodes with bodies that are like that."""
    many = latents.expand(len(frames), *latents.shape)
    return replace(frames, first=replace(frames.first, latent=many))
