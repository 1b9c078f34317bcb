"""What one source says about metres or about down, or why it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GravityEvidence", "Refused", "ScaleEvidence", "average_factors"]


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


def average_factors(factors: Sequence[float], relative_sigmas: Sequence[float]) -> tuple[float, float]:
    """The mean of scale factors in the logarithm with weights 1 / sigma², and its relative sigma.

    The sigma grows where the factors scatter more than their own sigmas tell (Birge 1932).
    """
    logs, weights = np.log(factors), np.array(relative_sigmas) ** -2.0
    mean = float(weights @ logs / weights.sum())
    excess = float(weights @ (logs - mean) ** 2) / (len(logs) - 1) if len(logs) > 1 else 1.0
    return float(np.exp(mean)), float(np.sqrt(max(1.0, excess) / weights.sum()))
