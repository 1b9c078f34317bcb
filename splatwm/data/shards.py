"""What one shard holds: which stages its episodes happen on, and their making, the same wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from splatwm.data.episode import Episode
from splatwm.data.packing import DataError
from splatwm.data.procedural import STREAMS, Part, procedural_stage
from splatwm.data.simulate import EpisodeConfig, StageRunner
from splatwm.data.stage import Stage
from splatwm.data.store import Shard, add_body, write_shard

__all__ = ["EACH_SHARD", "CollectConfig", "ShardJob", "Sources", "make_shard"]

EACH_STAGE = 8  # episodes
EACH_SHARD = 32
TURNS = 5  # times that a shard goes through its stages


@dataclass(frozen=True)
class CollectConfig:
    """How much is collected."""

    episodes: int = 1000
    """How many."""
    seed: int = 0
    """Of everything that is drawn."""
    workers: int = 0
    """Processes at a time; 0 for one per core.  The data are the same for any number."""
    episode: EpisodeConfig = field(default_factory=EpisodeConfig)
    """What episodes are like."""


@dataclass(frozen=True)
class Sources:
    """Where stages come from: given ones and procedural ones take turns."""

    stages: tuple[Stage, ...] = ()
    procedural: int = 0  # so many procedural stages, each used again when all were; 0 for none
    part: Part = "training"


@dataclass(frozen=True)
class ShardJob:
    """One shard that is to be made."""

    sources: Sources
    folder: Path
    config: CollectConfig
    index: int
    episodes: int


def make_shard(job: ShardJob) -> Shard:
    """Simulate a shard's episodes and write it with the bodies that are in it.

    Raises:
        DataError: its stages give too few sound episodes.
        OutputError: it cannot be written.
    """
    return write_shard(job.folder, job.index, _episodes(job))


def _episodes(job: ShardJob) -> list[Episode]:
    found: list[Episode] = []
    stages = EACH_SHARD // EACH_STAGE
    for turn in range(TURNS * stages):  # the later turns only if a stage had less than it should
        number = job.index * stages + turn % stages
        stage = _stage(job.sources, job.config.seed, number)
        for body in (*stage.bodies, stage.background):
            add_body(job.folder, body)
        runner = StageRunner(stage, job.config.episode, (job.config.seed, STREAMS[job.sources.part], number, turn))
        for k in range(EACH_STAGE):
            episode = runner.episode(k)
            if episode is not None:
                found.append(episode)
            if len(found) == job.episodes:
                return found
    raise DataError("too few sound episodes can be made of these stages", todo="leave out scenes without room")


def _stage(sources: Sources, seed: int, number: int) -> Stage:
    kinds = len(sources.stages) + (1 if sources.procedural else 0)
    which = number % kinds
    if which < len(sources.stages):
        return sources.stages[which]
    return procedural_stage(seed, (number // kinds) % sources.procedural, sources.part)
