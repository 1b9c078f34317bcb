"""What can be set about judging a capture before any long work."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CoachConfig"]


@dataclass(frozen=True)
class CoachConfig:
    """How closely a capture is looked at."""

    size: int = 640
    """Long side at which frames are looked at [pixels]."""
    max_frames: int = 80
    """Of more frames than this, so many evenly spaced ones are looked at."""
    max_features: int = 800
    """Features per frame, at most."""
    partners: int = 6
    """Every frame is compared with so many others, those that look most alike."""
    min_shared: int = 14
    """Two frames that share at least so many points, at one relative pose, are linked."""
    arcs: int = 12
    """Parts of the ring around the subject."""
    seed: int = 0
    """Seed of every random choice."""
