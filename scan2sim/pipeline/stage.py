"""A stage of a build, and the record that it leaves in ``stage.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import scan2sim
from scan2sim.errors import Scan2SimError
from scan2sim.files import read_json, write_json
from scan2sim.pipeline.keys import digest_json
from scan2sim.progress import Reporter

__all__ = ["RECORD_FILE", "Outcome", "Stage", "StageRecord", "read_record", "write_record"]

RECORD_FILE = "stage.json"


@dataclass(frozen=True)
class Outcome:
    """What a stage tells about its result."""

    figures: dict[str, Any] = field(default_factory=dict)  # numbers for the report
    warnings: tuple[str, ...] = ()  # sentences for a person


@dataclass(frozen=True)
class Stage:
    """One step of a build: reads the folders of earlier stages, writes its own."""

    name: str  # as in --from and --until
    folder: str  # below the build
    run: Callable[[Path, Reporter], Outcome]  # writes into the given empty folder (or its own checkpoint)
    version: int = 1  # raised whenever the stage's code gives other results
    needs: tuple[str, ...] = ()  # earlier stages whose results it reads
    config: dict[str, Any] = field(default_factory=dict)
    inputs: Callable[[], dict[str, str]] = dict  # content hashes of what it reads besides earlier stages
    products: tuple[str, ...] = ()  # files it writes elsewhere in the build
    packages: tuple[str, ...] = ()  # whose versions matter to the result
    resumes: bool = False  # goes on from what it finds in its folder when it was killed

    def key(self, needed: dict[str, str], inputs: dict[str, str]) -> str:
        """Cache key: the same key means that running again would give the same result."""
        parts = {"name": self.name, "version": self.version, "config": self.config}
        return digest_json(parts | {"needs": needed, "inputs": inputs})

    def versions(self) -> dict[str, str]:
        """Versions of scan2sim and of the packages that matter here; absent packages are left out."""
        found = {"scan2sim": scan2sim.__version__}
        for package in self.packages:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        return found


@dataclass(frozen=True)
class StageRecord:
    """What ``stage.json`` holds: how a stage's folder came about."""

    stage: str
    key: str
    needs: dict[str, str]  # digests of the earlier stages it was made from
    inputs: dict[str, str]  # content hashes of files from outside the build
    config: dict[str, Any]
    versions: dict[str, str]
    seed: int | None
    seconds: float
    peak_memory_mib: float
    figures: dict[str, Any]
    warnings: list[str]
    digest: str  # of the folder's content
    files: int  # in the folder
    bytes: int  # of the folder
    finished: str  # local time, ISO 8601


def read_record(folder: Path) -> StageRecord | None:
    """The record of a finished stage; None if there is none, or none that this version understands."""
    try:
        return StageRecord(**read_json(folder / RECORD_FILE, Scan2SimError))
    except (Scan2SimError, TypeError):
        return None


def write_record(folder: Path, record: StageRecord) -> None:
    """Write ``stage.json``.

    Raises:
        OutputError: it cannot be written.
    """
    write_json(folder / RECORD_FILE, asdict(record))
