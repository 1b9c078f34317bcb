"""COLMAP's working files: numbered links to the frames, the database, and a quiet terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pycolmap

from scan2sim.capture import Frame
from scan2sim.poses.config import PosesConfig

__all__ = ["Workspace", "open_workspace", "quiet_colmap", "thread_count"]


@dataclass(frozen=True)
class Workspace:
    """Where COLMAP works.  Its images are called 000000.jpg, 000001.png, …: file names may hold anything else."""

    folder: Path
    frames: tuple[Frame, ...]
    names: tuple[str, ...]  # COLMAP's name of each frame
    held: tuple[int, ...] = ()  # COLMAP's ids of cameras whose lens was stated and is not to be changed

    @property
    def images(self) -> Path:
        """The folder of links to the frames."""
        return self.folder / "images"

    @property
    def database(self) -> Path:
        """The database of cameras, features and matches."""
        return self.folder / "database.db"

    def fresh(self, name: str) -> Path:
        """An empty folder for the output of one step."""
        folder = self.folder / name
        folder.mkdir()
        return folder


def open_workspace(folder: Path, frames: Sequence[Frame]) -> Workspace:
    """Make the folder and link the frames' images into it."""
    names = tuple(f"{i:06d}{frame.image.suffix.lower()}" for i, frame in enumerate(frames))
    workspace = Workspace(folder, tuple(frames), names)
    workspace.images.mkdir(parents=True)
    for name, frame in zip(names, frames, strict=True):
        (workspace.images / name).symlink_to(frame.image.resolve())
    return workspace


@contextmanager
def quiet_colmap() -> Iterator[None]:
    """Keep COLMAP's log, which goes to the terminal, to fatal errors."""
    log = pycolmap.logging
    before = log.minloglevel
    log.minloglevel = log.Level.FATAL.value
    try:
        yield
    finally:
        log.minloglevel = before


def thread_count(config: PosesConfig) -> int:
    """Threads to use."""
    return config.num_threads if config.num_threads > 0 else os.cpu_count() or 1
