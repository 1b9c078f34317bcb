"""What can be set about finding cameras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

__all__ = ["PosesConfig"]


@dataclass(frozen=True)
class PosesConfig:
    """How cameras are found in photos, or placed around finished splats."""

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
    """Guessed median distance from camera to subject [m], where nothing tells the scale."""
    marker: Annotated[str | None, tyro.conf.arg(aliases=["--marker"], metavar="FAMILY:SIDE")] = None
    """A printed marker in view and the side of its black square [m], as tag36h11:0.05, or a board, as
    charuco-5x7-4x4_50:0.04:0.03 (columns x rows, family, side of a square, side of a marker)."""
    sheet: Annotated[Literal["a4", "letter", "card"] | None, tyro.conf.arg(aliases=["--sheet"])] = None
    """What lies flat on the table, all of it free: an A4 or Letter sheet, or a bank card."""
    up: Annotated[str | None, tyro.conf.arg(aliases=["--up"], metavar="DIRECTION")] = None
    """For finished splats: the direction in them that points up, as z, -y or 0.1,0.9,0; None = as the support says."""
    unit: Annotated[float | None, tyro.conf.arg(aliases=["--unit"], metavar="METRES")] = None
    """For finished splats: how many metres one unit of theirs is; None = guess."""
