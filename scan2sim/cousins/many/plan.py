"""What cousins are wanted: everything that decides what cousin k looks like, and nothing else."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

import scan2sim
from scan2sim.cousins.assets import AssetConfig, AssetLibrary, open_library
from scan2sim.cousins.config import CousinsConfig, check_config
from scan2sim.errors import SceneError, UsageError
from scan2sim.progress import Reporter, silent
from scan2sim.scene import SavedScene, open_saved

__all__ = ["CousinsPlan", "digest_of"]


@dataclass(frozen=True)
class CousinsPlan:
    """Which cousins of which scene."""

    twin: Path  # the scene folder
    distance: tuple[float, float]  # 0..1; each cousin draws its slider between the two
    seed: int = 0
    config: CousinsConfig = field(default_factory=CousinsConfig)
    assets: Path | None = None  # a folder of things to take the place of others or to add; None: those we ship
    asset: AssetConfig = field(default_factory=AssetConfig)  # what of it is taken, and in which unit

    def __post_init__(self) -> None:
        low, high = self.distance
        if not (math.isfinite(low) and math.isfinite(high) and 0 <= low <= high <= 1):
            raise UsageError(
                f"a distance of {low:g} to {high:g}; expected numbers from 0 to 1, the smaller one first",
                todo="give 0.4, or a range as in 0.1..0.8; 0 is the twin itself, 1 as far as a cousin goes",
            )
        if self.seed < 0:
            raise UsageError(f"the seed {self.seed} is negative", todo="give 0 or more")
        check_config(self.config)
        if self.assets and not self.assets.is_dir():
            raise UsageError("no such folder of assets", path=self.assets, todo="check --assets")

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The plan that :meth:`as_json` wrote."""
        return TypeAdapter(cls).validate_python(data)

    def as_json(self) -> dict[str, Any]:
        """The plan for a worker."""
        return TypeAdapter(type(self)).dump_python(self, mode="json")

    def open_twin(self) -> SavedScene:
        """The scene that the cousins are made from.

        Raises:
            SceneError: it is missing or damaged, or has no objects.
        """
        saved = open_saved(self.twin)
        if not saved.scene.objects:
            raise SceneError(
                "the scene has no objects, so there is nothing to vary", path=self.twin, todo="choose another scene"
            )
        return saved

    def open_assets(self, report: Reporter = silent, *, again: bool = False) -> AssetLibrary | None:
        """The things that cousins get, where these vary; the first time that takes seconds for each mesh.

        ``again`` is for the first one that opens them: see :func:`scan2sim.cousins.assets.open_library`.

        Raises:
            UsageError: nothing in the folder is an asset.
            OutputError: another process is preparing the same assets.
        """
        if not {"category", "clutter"} & set(self.config.vary):
            return None
        return open_library(self.assets, self.asset, report, again=again)

    def rng(self, index: int) -> np.random.Generator:
        """The random numbers of cousin ``index``, its own whoever makes it."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, index]))

    def identity(self, twin: SavedScene, library: AssetLibrary | None) -> dict[str, Any]:
        """What decides how cousins look, to tell whether those of a folder are these."""
        return {
            "twin": digest_of(twin),
            "seed": self.seed,
            "distance": list(self.distance),
            "settings": self.as_json()["config"],
            "assets": library and _hash(sorted(asset.digest for asset in library.assets)),
            "scan2sim": scan2sim.__version__,
        }


def digest_of(twin: SavedScene) -> str:
    """SHA-256 over the names and contents of the files that cousins are made from."""
    manifest = twin.manifest
    names = ["scene.json", manifest.background.splats, *manifest.background.collision]
    for entry in manifest.objects:
        names += [entry.splats, entry.visual, *entry.collision]
    names += [name for name in (manifest.cameras, manifest.points) if name]
    lines = []
    for name in names:
        with (twin.folder / name).open("rb") as file:
            lines.append(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return _hash(lines)


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
