"""A folder of trajectories: shards of episodes with their checksums in ``data.json``, bodies once each by content.

::

    data.json                 format, version, config, shards: [{file, sha256, bytes, episodes, frames}]
    shards/00000.npz …        episodes (packing.py)
    bodies/<sha256>.npz …     bodies, named by what `body_digest` makes of them
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scan2sim.bodies import Body
from scan2sim.files import output_errors, read_json, write_bytes, write_json
from splatwm.data.episode import Episode, body_digest
from splatwm.data.packing import (
    DataError,
    body_from_bytes,
    body_to_bytes,
    episodes_from_bytes,
    episodes_to_bytes,
)

__all__ = ["MANIFEST", "Data", "Shard", "add_body", "open_data", "write_manifest", "write_shard"]

MANIFEST = "data.json"
FORMAT, VERSION = "splatwm.data", 1
MAX_FILE_BYTES = 1 << 30
MEND = "the same call of collect makes it anew, --skip-damaged does without it"


@dataclass(frozen=True)
class Shard:
    """One file of episodes, as the manifest has it."""

    file: str  # relative to the folder
    sha256: str
    bytes: int
    episodes: int
    frames: int  # of all of them together


@dataclass
class Data:
    """Trajectories on disk; shards and bodies are checked when they are read."""

    folder: Path
    shards: tuple[Shard, ...]
    config: dict[str, Any]  # how they were collected
    skip_damaged: bool = False
    skipped: list[str] = field(default_factory=list)  # what was damaged and left out, for people
    _bodies: dict[str, Body] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many episodes there are."""
        return sum(shard.episodes for shard in self.shards)

    def episodes(self, most: int | None = None) -> Iterator[Episode]:
        """All episodes in order, or ``most`` of them, evenly spread; one shard in memory at a time.

        Raises:
            DataError: a shard is damaged, unless damaged ones are to be skipped.
        """
        wanted, total, first = min(len(self), len(self) if most is None else most), len(self), 0
        for shard in self.shards:
            numbers = range(first, first + shard.episodes)
            first = numbers.stop
            chosen = [i - numbers.start for i in numbers if i * wanted // total != (i - 1) * wanted // total]
            try:
                found = self._read(shard) if chosen else []
            except DataError as problem:
                if not self.skip_damaged:
                    raise
                self.skipped.append(str(problem))
                continue
            yield from (found[i] for i in chosen)

    def body(self, digest: str) -> Body:
        """A body by its digest; each is read once.

        Raises:
            DataError: it is missing, or not what its name says.
        """
        if digest not in self._bodies:
            path = _body_path(self.folder, digest)
            try:
                body = body_from_bytes(_bytes(path), f"body-{digest[:12]}")
            except DataError as problem:
                raise DataError(problem.problem, path=path, todo="collect into a new folder") from None
            if body_digest(body) != digest:
                raise DataError(
                    "is damaged: its content does not match its name", path=path, todo="collect into a new folder"
                )
            self._bodies[digest] = body
        return self._bodies[digest]

    def check(self) -> None:
        """See that all shards are what the manifest says.

        Raises:
            DataError: one is missing or damaged.
        """
        for shard in self.shards:
            self._checked(shard)

    def _checked(self, shard: Shard) -> bytes:
        path = self.folder / shard.file
        data = _bytes(path)
        if len(data) != shard.bytes or hashlib.sha256(data).hexdigest() != shard.sha256:
            raise DataError("is damaged: its checksum is not the manifest's", path=path, todo=MEND)
        return data

    def _read(self, shard: Shard) -> list[Episode]:
        try:
            return episodes_from_bytes(self._checked(shard))
        except DataError as problem:
            raise DataError(problem.problem, path=self.folder / shard.file, todo=MEND) from None


def open_data(folder: Path, *, skip_damaged: bool = False) -> Data:
    """Trajectories that ``splatwm collect`` wrote.

    Raises:
        DataError: the folder holds none, or of another version.
    """
    path = folder / MANIFEST
    manifest = read_json(path, DataError)
    try:
        if (manifest["format"], manifest["version"]) != (FORMAT, VERSION):
            found = f"{manifest['format']} {manifest['version']}"
            raise DataError(f"holds {found}, expected is {FORMAT} {VERSION}", path=path)
        shards = tuple(Shard(**shard) for shard in manifest["shards"])
        config = dict(manifest["config"])
    except (KeyError, TypeError, ValueError) as problem:
        raise DataError(f"is no manifest of trajectories ({problem})", path=path) from None
    for shard in shards:
        if Path(shard.file).is_absolute() or ".." in Path(shard.file).parts:
            raise DataError(f"names {shard.file!r}, which lies outside its folder", path=path)
    return Data(folder, shards, config, skip_damaged)


def write_shard(folder: Path, index: int, episodes: list[Episode]) -> Shard:
    """Write a shard whole or not at all, and say what the manifest shall have of it.

    Raises:
        OutputError: it cannot be written.
    """
    data, file = episodes_to_bytes(episodes), f"shards/{index:05d}.npz"
    with output_errors(folder):
        (folder / "shards").mkdir(parents=True, exist_ok=True)
    write_bytes(folder / file, data)
    return Shard(file, hashlib.sha256(data).hexdigest(), len(data), len(episodes), sum(e.frames for e in episodes))


def add_body(folder: Path, body: Body) -> str:
    """Write a body unless it is there already; returns its digest.

    Raises:
        OutputError: it cannot be written.
    """
    digest = body_digest(body)
    path = _body_path(folder, digest)
    if not path.exists():
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, body_to_bytes(body))
    return digest


def write_manifest(folder: Path, shards: list[Shard], config: dict[str, Any]) -> None:
    """Write ``data.json``.

    Raises:
        OutputError: it cannot be written.
    """
    entries = [asdict(shard) for shard in sorted(shards, key=lambda shard: shard.file)]
    write_json(folder / MANIFEST, {"format": FORMAT, "version": VERSION, "config": config, "shards": entries})


def _body_path(folder: Path, digest: str) -> Path:
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise DataError(f"{digest!r} names no body", path=folder)
    return folder / "bodies" / f"{digest}.npz"


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"larger than {MAX_FILE_BYTES >> 30} GiB", path=path)
        return path.read_bytes()
    except OSError as problem:
        raise DataError(f"cannot be read ({problem.strerror})", path=path, todo="collect the data again") from None
