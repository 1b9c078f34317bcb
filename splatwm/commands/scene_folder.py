"""The scene that a path on the command line means."""

from __future__ import annotations

from pathlib import Path

__all__ = ["scene_folder"]


def scene_folder(path: Path) -> Path:
    """The folder itself, or the scene in it where it is a build."""
    return path / "scene" if (path / "scene" / "scene.json").exists() else path
