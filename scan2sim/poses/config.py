"""What can be set about finding cameras."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PosesConfig"]


@dataclass(frozen=True)
class PosesConfig:
    """How cameras are found in photos."""

    seed: int = 0
    """Seed of every random choice."""
    num_threads: int = -1
    """Threads for features, matching and mapping; -1 = all cores."""
    max_image_size: int = 1600
    """Long side at which features are found [pixels]."""
    max_features: int = 4096
    """Features per photo, at most."""
    exhaustive_up_to: int = 60
    """Up to so many photos every pair is matched; above, neighbours in capture order and a net of key photos."""
    enough: float = 0.9
    """Share of registered photos at which the costly last rung of the ladder is not tried."""
    subject_distance: float = 0.5
    """Guessed median distance from camera to subject [m]: photos alone do not tell their scale."""
