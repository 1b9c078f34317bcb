"""What one source says about metres or about down, or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GravityEvidence", "Refused", "ScaleEvidence"]


@dataclass(frozen=True)
class ScaleEvidence:
    """One source's scale, found without the others."""

    source: str  # arkit | depth | marker | sheet | card
    factor: float  # true metres per metre of the scene as it was when this was measured
    relative_sigma: float  # one standard deviation of the factor, relative
    details: str  # for people: from how much, how well it fits
    stated: bool = False  # whether it rests on a size that a person stated


@dataclass(frozen=True)
class GravityEvidence:
    """One source's up."""

    source: str  # imu | arkit | support | guess
    up: NDArray[np.float64]  # (3,) unit vector against gravity, in the scene as it was when this was measured
    sigma_deg: float  # one standard deviation of its tilt
    details: str


@dataclass(frozen=True)
class Refused:
    """Evidence that was there, or was asked for, and is not used."""

    source: str
    reason: str  # for people, with what to do where something can be done
