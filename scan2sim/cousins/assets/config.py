"""What is taken into a library of assets, and how a mesh becomes one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scan2sim.errors import UsageError

__all__ = ["AssetConfig"]


@dataclass(frozen=True)
class AssetConfig:
    """What is taken into a library of assets, and how a mesh becomes one."""

    metres: float = 1.0
    """Metres in a unit of the files of meshes and splats; 0.001 for millimetres."""
    up: Literal["auto", "y", "-y", "z"] = "auto"
    """Which axis of the files is up; auto: y in glTF and SPZ, as their standards say, -y in other files of splats, as
    viewers take them, else z."""
    smallest: float = 0.005
    """A mesh whose longest side is shorter is refused [m]."""
    largest: float = 1.0
    """A mesh whose longest side is longer is refused [m]."""
    megabytes: int = 128
    """Files of meshes larger than this are refused [MiB]."""
    faces: int = 1_000_000
    """Meshes with more faces are refused."""
    kept_faces: int = 3000
    """A mesh is reduced to this many faces."""
    splats: int = 3000
    """Gaussians on a mesh."""
    most_splats: int = 200_000
    """Files of more Gaussians show a scene, not a thing, and are refused."""
    texture: int = 256
    """Side of the picture on a mesh [pixels], about."""
    seconds: float = 180.0
    """A mesh that takes longer to prepare is refused [s]."""
    memory: int = 6
    """Memory that a mesh may take to prepare, beyond that of the program [GiB]."""
    files: int = 20_000
    """A folder with more files is refused."""

    def __post_init__(self) -> None:
        for name in ("metres", "smallest", "largest", "seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} of assets is {value:g}", todo="give a positive number")
        for name in ("megabytes", "faces", "kept_faces", "splats", "most_splats", "texture", "memory", "files"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} of assets is {getattr(self, name)}", todo="give 1 or more")
        if self.smallest >= self.largest:
            raise UsageError(f"assets of {self.smallest:g} to {self.largest:g} m", todo="give the smaller size first")
