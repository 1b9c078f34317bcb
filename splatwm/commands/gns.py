"""``splatwm gns``: train the graph network that predictions are held against."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, Reply
from scan2sim.errors import UsageError
from scan2sim.progress import Reporter
from splatwm.data import open_data
from splatwm.gns import GnsConfig, GnsTraining, save_gns, train_gns

__all__ = ["Gns"]


@dataclass(frozen=True, kw_only=True)
class Gns(Command):
    """Train a graph network simulator (Sanchez-Gonzalez et al. 2020), a baseline of ``splatwm evaluate``."""

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Trajectories that ``splatwm collect`` wrote."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="GNS")]
    """The .safetensors file to write."""
    training: GnsTraining = field(default_factory=GnsTraining)
    """How it is trained."""
    network: GnsConfig = field(default_factory=GnsConfig)
    """How large it is, and what it sees."""

    def run(self, report: Reporter) -> Reply:
        """Train and write."""
        if self.output.suffix != ".safetensors":
            raise UsageError("a graph network is one .safetensors file", path=self.output, todo="name it so with -o")
        started = time.process_time()
        gns = train_gns(open_data(self.data), self.network, self.training, report)
        spent = {"command": f"splatwm gns {self.data.name} -o {self.output.name}"}
        spent |= {"processor_seconds": time.process_time() - started}
        save_gns(replace(gns, card=gns.card | spent), self.output)
        text = f"{self.output}: {gns.card['episodes']} episodes, loss {gns.card['loss']:.3f}"
        return Reply({"gns": str(self.output), **gns.card, **spent}, text)
