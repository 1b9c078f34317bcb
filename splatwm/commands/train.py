"""``splatwm train``: a model from trajectories, in one file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, Reply
from scan2sim.errors import UsageError
from scan2sim.progress import Reporter
from splatwm.config import PhysicsConfig
from splatwm.data import open_data
from splatwm.learning import LearnConfig
from splatwm.model import NetworkConfig
from splatwm.train import TrainConfig, learn_network, train
from splatwm.trained import EnsembleConfig, Model, save_model

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Make a model: how far its predictions are from trajectories becomes what it says of its own errors."""

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Trajectories that ``splatwm collect`` wrote."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL")]
    """The .safetensors file to write."""
    learn: bool = False
    """Train a network inside the solver first; without it the solver is analytic."""
    learning: LearnConfig = field(default_factory=LearnConfig)
    """How the network is trained."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """How large it is."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How it is made."""
    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    """How contacts behave, and how finely a step is cut."""
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)
    """What is varied to see how sure it is."""

    def run(self, report: Reporter) -> Reply:
        """Train and write."""
        if self.output.suffix != ".safetensors":
            raise UsageError("a model is one .safetensors file", path=self.output, todo="name it so with -o")
        started = time.monotonic()
        data, model = open_data(self.data), Model(self.physics, self.ensemble)
        if self.learn:
            model = learn_network(data, model, self.network, self.learning, self.output, report)
        model = train(data, model, self.train, report)
        command = f"splatwm train {self.data.name} -o {self.output.name}{' --learn' if self.learn else ''}"
        model = replace(model, card=model.card | {"command": command})
        save_model(model, self.output)
        errors = model.card["errors"]
        lines = [f"{name}: {each['median_mm']:.1f} mm, {each['median_deg']:.1f}°" for name, each in errors.items()]
        text = "\n".join([f"{self.output}: median errors of what moved", *lines])
        return Reply({"model": str(self.output), "seconds": time.monotonic() - started, **model.card}, text)
