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
from splatwm.model import EnsembleConfig, Model, save_model
from splatwm.train import TrainConfig, train

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Make a model: how far its predictions are from trajectories becomes what it says of its own errors."""

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Trajectories that ``splatwm collect`` wrote."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL")]
    """The .safetensors file to write."""
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
        model = train(open_data(self.data), Model(self.physics, self.ensemble), self.train, report)
        command = f"splatwm train {self.data.name} -o {self.output.name}"
        model = replace(model, card=model.card | {"command": command})
        save_model(model, self.output)
        errors = model.card["errors"]
        lines = [f"{name}: {each['median_mm']:.1f} mm, {each['median_deg']:.1f}°" for name, each in errors.items()]
        text = "\n".join([f"{self.output}: median errors of what moved", *lines])
        return Reply({"model": str(self.output), "seconds": time.monotonic() - started, **model.card}, text)
