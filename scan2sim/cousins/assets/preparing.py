"""Meshes become scenes in child processes, several in one, because a process takes longer to start than a mesh to read.

A mesh at which the child dies is refused, and another child goes on with the rest.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scan2sim.child import ChildError, run_child
from scan2sim.cousins.assets.config import AssetConfig
from scan2sim.cousins.assets.sources import Source
from scan2sim.files import swap_in
from scan2sim.progress import Reporter

__all__ = ["ENDED", "MESH_SCENES", "PREPARED", "SCENE", "Unprepared", "prepare_meshes"]

MESH_SCENES = "meshes"  # the folder in the index that holds the scenes made of meshes, by their digests
PREPARED = "asset"  # the name of the object in such a scene
ENDED, SCENE = "ended.json", "scene"  # what the child leaves for each: null or why not, and the scene
TOGETHER = 8  # meshes in one child
START = 120.0  # [s] that a child may take to start


@dataclass(frozen=True)
class Unprepared:
    """Why no scene was made of a mesh."""

    reason: str
    died: bool = False  # the child did, out of time, out of memory, or it crashed: on another day it may do


def prepare_meshes(
    sources: Sequence[Source],
    store: Path,
    config: AssetConfig,
    report: Reporter,
) -> dict[str, Unprepared]:
    """Make a scene of each mesh in ``store``; returns why not, by digest, for those that could not be made."""
    refused: dict[str, Unprepared] = {}
    left = list({source.digest: source for source in sources}.values())
    total = len(left)
    while left:
        (store / MESH_SCENES).mkdir(exist_ok=True)
        report("preparing meshes", total - len(left), total)
        batch = left[:TOGETHER]
        with tempfile.TemporaryDirectory(prefix=".preparing-", dir=store) as work:
            died = _run(batch, Path(work), config)
            for k, source in enumerate(batch):
                ended = Path(work, str(k), ENDED)
                reason = json.loads(ended.read_text(encoding="utf-8")) if ended.is_file() else died
                left.remove(source)
                if ended.is_file() and reason is None:
                    swap_in(Path(work, str(k), SCENE), store / MESH_SCENES / source.digest)
                else:
                    refused[source.digest] = Unprepared(str(reason), died=not ended.is_file())
                if not ended.is_file():
                    break
    report("preparing meshes", total, total)
    return refused


def _run(batch: Sequence[Source], work: Path, config: AssetConfig) -> str:
    """Let a child prepare some meshes; returns what ended it before it was done."""
    jobs = {"meshes": [str(source.path.absolute()) for source in batch], "config": asdict(config)}
    (work / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    program = Path(__file__).with_name("prepare.py")
    most = START + config.seconds * len(batch)  # the child itself stops at a mesh that takes more than its share
    try:
        run_child(program, work / "jobs.json", config.memory << 30, seconds=most)
    except ChildError as error:
        if f"signal {signal.SIGALRM:d}" in error.problem:
            return f"took more than {config.seconds:g} s to prepare"
        return f"preparing it {error.problem}"
    return "preparing it ended without a word"
