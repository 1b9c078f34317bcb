"""Everything that can be set about a build, and the quality presets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from scan2sim.capture import CaptureConfig
from scan2sim.fit import FitConfig, fit_preset
from scan2sim.objects import ObjectsConfig, objects_preset
from scan2sim.poses import PosesConfig

__all__ = ["QUALITIES", "BuildConfig", "Quality", "build_config"]

Quality = Literal["draft", "standard", "high"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "high")


@dataclass(frozen=True)
class BuildConfig:
    """How a capture becomes a scene, stage by stage."""

    quality: Quality = "draft"
    """The preset that the stages' settings started from."""
    cameras: Path | None = None
    """A cameras.json to take the poses from, in metres with z up; None = find them in the photos."""
    warm_start: Path | None = None
    """Folder of an earlier build that shares photos with this one; its splats are trained on. None = begin anew."""
    seed: int = 0
    """Seed of every random choice of every stage."""
    capture: CaptureConfig = field(default_factory=CaptureConfig)
    """Which frames are used."""
    poses: PosesConfig = field(default_factory=PosesConfig)
    """How cameras are found."""
    fit: FitConfig = field(default_factory=FitConfig)
    """How splats are trained."""
    objects: ObjectsConfig = field(default_factory=ObjectsConfig)
    """How objects are separated."""

    def seeded(self) -> BuildConfig:
        """The same with the build's seed in the settings of every stage."""
        seed = self.seed
        return replace(
            self,
            poses=replace(self.poses, seed=seed),
            fit=replace(self.fit, seed=seed),
            objects=replace(self.objects, seed=seed),
        )


def build_config(quality: Quality = "draft", *, cameras: Path | None = None, seed: int = 0) -> BuildConfig:
    """The settings of a preset: draft in minutes on a laptop, standard for work, high when time does not matter."""
    return BuildConfig(
        quality=quality,
        cameras=cameras,
        seed=seed,
        fit=fit_preset(quality),
        objects=objects_preset(quality),
    ).seeded()
