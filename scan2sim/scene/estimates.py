"""Intervals of the workshop for bodies as the scene's estimates."""

from __future__ import annotations

from scan2sim.bodies import Interval
from scan2sim.scene.types import Estimate

__all__ = ["estimate_of"]


def estimate_of(interval: Interval) -> Estimate:
    """The same value, interval and source."""
    return Estimate(interval.value, interval.low, interval.high, interval.source)
