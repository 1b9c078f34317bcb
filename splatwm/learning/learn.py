"""The training loop: through the differentiable step, first one frame ahead, then several in a row.

In half of the episodes the model is told wrong frictions, and each body has a latent of its own that is learned beside
the weights with a pull towards zero (auto-decoding, Park et al. 2019, "DeepSDF"): so latents come to mean what is not
known of a body, and zero means that nothing is.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from scan2sim.errors import UsageError
from scan2sim.progress import Reporter, silent
from splatwm.config import PhysicsConfig
from splatwm.learning.checkpoint import (
    Checkpoint,
    optimizer_tensors,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)
from splatwm.learning.frames import Frames, Moments, with_links_of
from splatwm.learning.loss import step_error, weighted_loss
from splatwm.learning.warm import warm_impulses
from splatwm.model import ContactNetwork, NetworkConfig, Stepped, find_contacts, step
from splatwm.state import State

__all__ = ["LearnConfig", "Learned", "learn"]

CLIP = 1.0  # length of a gradient
EVERY_CURVE = 20  # steps between points of the curve
WARM_UP = 50  # steps in which the rate rises


@dataclass(frozen=True)
class LearnConfig:
    """How the network is trained."""

    steps: int = 3000
    """In all …"""
    unrolled: int = 1000
    """… of which so many, the last ones, go several frames ahead."""
    ahead: int = 3
    """Frames that those go ahead."""
    batch: int = 24
    """Frames in a step, in one go or in rows."""
    rate: float = 0.002
    """Learning rate at first; it falls as a cosine."""
    latent_rate: float = 0.03
    """Of bodies' latents."""
    latent_pull: float = 0.01
    """Of latents towards zero: weight of their squares."""
    told_wrong: float = 0.5
    """Share of the episodes in which …"""
    friction_noise: float = 0.3
    """… frictions are wrong by so much, as a standard deviation of the logarithm."""
    mean_over: int = 200
    """The weights that come out are means over about so many steps."""
    held_back: float = 0.1
    """Share of the stages that is not learned from but tells errors."""
    look_every: int = 200
    """Steps between looks at the held-back ones; then the state is kept, too."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the network runs; contacts are solved on the CPU."""
    seed: int = 0
    """Of everything that is drawn."""


@dataclass(frozen=True)
class Learned:
    """What came of it."""

    network: ContactNetwork
    history: dict[str, list[tuple[float, float]]]  # curves: (step, value)
    latents: Tensor  # (E, O, L) of the training's bodies


def learn(
    frames: Frames,  # to learn from
    physics: PhysicsConfig,
    sizes: NetworkConfig,
    config: LearnConfig = LearnConfig(),
    *,
    checkpoint: Path | None = None,  # kept there, and gone on from
    look: Callable[[ContactNetwork], dict[str, float]] | None = None,  # errors on what is held back, by name
    report: Reporter = silent,
) -> Learned:
    """Train a network from zero corrections on, or go on where a killed call with the same arguments stopped.

    Raises:
        UsageError: settings are out of range, the checkpoint belongs to another training, or there is no CUDA device.
    """
    _check(config)
    training = _Training(frames, physics, sizes, config)
    made_by = _fingerprint(frames, physics, sizes, config)
    told = "learning"
    if checkpoint is not None and (kept := read_checkpoint(checkpoint, made_by)) is not None:
        training.restore(kept)
    for _ in range(training.step, config.steps):
        training.advance()
        if training.step % config.look_every == 0 or training.step == config.steps:
            if look is not None:
                errors = look(training.mean_network())
                for name, value in errors.items():
                    training.history.setdefault(name, []).append((training.step, value))
                told = "learning, held back: " + ", ".join(f"{name} {value:.3g}" for name, value in errors.items())
            if checkpoint is not None:
                write_checkpoint(checkpoint, training.keep(), made_by)
        report(told, training.step, config.steps)
    return Learned(training.mean_network().cpu(), training.history, training.latents.detach())


class _Training:
    """Everything that changes from step to step."""

    def __init__(self, frames: Frames, physics: PhysicsConfig, sizes: NetworkConfig, config: LearnConfig) -> None:
        self.frames, self.physics, self.config = frames, physics, config
        self.network = ContactNetwork(sizes, config.seed).to(config.device)
        self.mean = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        generator = torch.Generator().manual_seed(config.seed)
        count, bodies = frames.first.mass.shape
        wrong = (torch.rand(count, 1, generator=generator) < config.told_wrong).float()
        self.factor = torch.exp(wrong * config.friction_noise * torch.randn(count, bodies, generator=generator))
        self.wrong = wrong[..., None]  # (E, 1, 1)
        self.latents = nn.Parameter(torch.zeros(count, bodies, sizes.latents))
        self.generator = generator
        self.optimizers = {
            "weights": torch.optim.Adam(self.network.parameters(), config.rate),
            "latent": torch.optim.Adagrad([self.latents], config.latent_rate),
        }
        self.step, self.history = 0, {}

    def advance(self) -> None:
        """One step down the gradient."""
        config, late = self.config, self.step >= self.config.steps - self.config.unrolled
        ahead = config.ahead if late else 1
        progress = self.step / config.steps
        rate = config.rate * min(1.0, (self.step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimizers["weights"].param_groups:
            group["lr"] = rate
        moments = self.frames.draw(max(1, config.batch // ahead), ahead, self.generator)
        loss = self._loss(moments, ahead)
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        if torch.isfinite(norm) and torch.isfinite(loss):
            for optimizer in self.optimizers.values():
                optimizer.step()
        keep = min(1 - 1 / config.mean_over, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                self.mean[name].lerp_(value, 1 - keep)
        self.step += 1
        if self.step % EVERY_CURVE == 0:
            self.history.setdefault("loss", []).append((self.step, float(loss.detach())))

    def _loss(self, moments: Moments, ahead: int) -> Tensor:
        frames, e = self.frames, moments.episode
        latent = self.latents[e] * self.wrong[e]
        told = frames.first.friction[e] * self.factor[e]
        loss = self.config.latent_pull * latent.square().sum(-1).mean()
        with torch.no_grad():  # a frame before, for impulses to begin with
            before = self._step(replace(frames.at(moments, -1), friction=told), latent, None)
        state = replace(frames.at(moments), friction=told)
        for later in range(1, ahead + 1):
            before = self._step(state, latent, before)
            truth, start = frames.at(moments, later), frames.at(moments, later - 1)
            error = step_error(before.state, truth, frames.dt)
            loss = loss + weighted_loss(error, start, truth, frames.dt) / ahead
            state = with_links_of(before.state, truth)
        return loss

    def _step(self, state: State, latent: Tensor, before: Stepped | None) -> Stepped:
        frames, physics = self.frames, self.physics
        contacts = find_contacts(state, frames.shapes, frames.dt, physics)
        warm = None if before is None else warm_impulses(before, contacts, state)
        corrector = self.network.corrector(latent, physics)
        return step(state, frames.shapes, frames.dt, physics, corrector, contacts=contacts, warm=warm)

    def mean_network(self) -> ContactNetwork:
        """The network with the means of its weights."""
        network = ContactNetwork(self.network.config).to(self.config.device)
        network.load_state_dict(self.mean)
        return network

    def keep(self) -> Checkpoint:
        """What ``restore`` needs."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.items()}
        tensors |= {"latents": self.latents, "generator": self.generator.get_state()}
        for name, optimizer in self.optimizers.items():
            tensors |= optimizer_tensors(name, optimizer)
        return Checkpoint(self.step, tensors, self.history)

    def restore(self, kept: Checkpoint) -> None:
        """Stand where a checkpoint was made."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "mean": {}}
        for name, value in kept.tensors.items():
            first, _, rest = name.partition(".")
            if first in parts:
                parts[first][rest] = value.to(self.config.device)
        self.network.load_state_dict(parts["network"])
        self.mean = parts["mean"]
        with torch.no_grad():
            self.latents.copy_(kept.tensors["latents"])
        self.generator.set_state(kept.tensors["generator"])
        for name, optimizer in self.optimizers.items():
            restore_optimizer(name, optimizer, kept.tensors)
        self.step, self.history = kept.step, kept.history


def _check(config: LearnConfig) -> None:
    counts = (config.steps, config.ahead, config.batch, config.mean_over, config.look_every)
    shares = (config.told_wrong, config.held_back)
    sizes = (config.rate, config.latent_rate, config.latent_pull, config.friction_noise)
    good = min(counts) >= 1 and config.unrolled >= 0 and all(0 <= each <= 1 for each in shares)
    if not good or not all(math.isfinite(each) and each >= 0 for each in sizes):
        raise UsageError(f"a training that cannot be: {config}", todo="see LearnConfig for what the numbers mean")
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no CUDA device here", todo="train with --learning.device cpu")


def _fingerprint(frames: Frames, physics: PhysicsConfig, sizes: NetworkConfig, config: LearnConfig) -> str:
    """What a training depends on."""
    digest = hashlib.sha256()
    for value in (frames.position, frames.linear, frames.first.mass, frames.first.friction):
        digest.update(value.numpy().tobytes())
    settings = [asdict(each) for each in (physics, sizes, config)]
    return digest.hexdigest() + " " + json.dumps(settings)
