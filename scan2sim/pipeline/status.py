"""How far a build is, read from its folder without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scan2sim.pipeline.corrections import SCENE_FOLDER
from scan2sim.pipeline.corridor import STAGES
from scan2sim.pipeline.stage import StageRecord, read_record

__all__ = ["BuildStatus", "StageStatus", "build_status"]


@dataclass(frozen=True)
class StageStatus:
    """How far one stage is."""

    name: str
    state: Literal["done", "outdated", "unfinished", "missing"]  # outdated: an earlier stage has another result now
    record: StageRecord | None


@dataclass(frozen=True)
class BuildStatus:
    """How far a build is."""

    stages: tuple[StageStatus, ...]
    scene: Path | None  # the scene folder, if there is one


def build_status(build: Path) -> BuildStatus:
    """Read the records of all stages."""
    records = {name: read_record(build / folder) for name, folder in STAGES.items()}
    digests = {name: record.digest for name, record in records.items() if record}
    stages = []
    for name, folder in STAGES.items():
        record = records[name]
        if record is not None:
            current = all(digests.get(need) == digest for need, digest in record.needs.items())
            stages.append(StageStatus(name, "done" if current else "outdated", record))
        else:
            started = (build / f".{folder}.new").exists()
            stages.append(StageStatus(name, "unfinished" if started else "missing", None))
    scene = build / SCENE_FOLDER
    return BuildStatus(tuple(stages), scene if (scene / "scene.json").is_file() else None)
