"""``splatwm collect``: simulate trajectories of scenes and procedural shapes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from scan2sim.commands.command import Command, OutputFolder, Reply
from scan2sim.progress import Reporter
from scan2sim.scene import load_scene
from splatwm.commands.scene_folder import scene_folder
from splatwm.data import CollectConfig, EpisodeConfig, Part, Sources, Stage, collect, stage_of_scene

__all__ = ["Collect"]


@dataclass(frozen=True, kw_only=True)
class Collect(Command):
    """Simulate pushes, drops, stacks, topples and lifts, and store them; the same call goes on after a kill."""

    scenes: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SCENE")] = ()
    """Scene folders, or build folders with a scene."""
    output: OutputFolder
    """Where the trajectories go."""
    episodes: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1000
    """How many episodes."""
    procedural: int = 0
    """Also use so many stages of two to five household shapes made from numbers."""
    part: Part = "training"
    """Which families of procedural shapes and which random numbers: held-out ones are never trained on."""
    seed: int = 0
    """Of everything that is drawn."""
    workers: int = 0
    """Processes at a time; 0 for one per core.  The data are the same for any number."""
    episode: EpisodeConfig = field(default_factory=EpisodeConfig)
    """What episodes are like."""

    def run(self, report: Reporter) -> Reply:
        """Collect them."""
        started = time.monotonic()
        sources = Sources(tuple(_stage(path) for path in self.scenes), self.procedural, self.part)
        config = CollectConfig(self.episodes, self.seed, self.workers, self.episode)
        data = collect(sources, self.output, config, report)
        frames, size = sum(s.frames for s in data.shards), sum(s.bytes for s in data.shards)
        seconds = time.monotonic() - started
        text = f"{len(data)} episodes, {frames} frames, {size / 1e6:.1f} MB in {self.output} ({seconds:.0f} s)"
        figures = {"episodes": len(data), "frames": frames, "bytes": size, "shards": len(data.shards)}
        return Reply({"data": str(self.output), "seconds": seconds, **figures}, text)


def _stage(path: Path) -> Stage:
    folder = scene_folder(path)
    return stage_of_scene(load_scene(folder), folder.resolve().name if folder == path else path.resolve().name)
