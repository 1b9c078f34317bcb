"""How good predictions are: errors over the horizon, statistics with intervals, and baselines to hold them against."""

from splatwm.evaluate.baselines import BASELINES, FLOOR, Motion, Predictor, mujoco_at
from splatwm.evaluate.compare import GROUPS, HORIZONS, TRUTH, Comparison, Scores, compare, world_of
from splatwm.evaluate.errors import (
    errors_at,
    has_moved,
    mean_over_steps,
    position_error,
    rest_drift,
    rotation_error,
)
from splatwm.evaluate.statistics import (
    Interval,
    PairedDifference,
    Summary,
    bootstrap_interval,
    paired_bootstrap,
    summarize,
)

__all__ = [
    "BASELINES",
    "FLOOR",
    "GROUPS",
    "HORIZONS",
    "TRUTH",
    "Comparison",
    "Interval",
    "Motion",
    "PairedDifference",
    "Predictor",
    "Scores",
    "Summary",
    "bootstrap_interval",
    "compare",
    "errors_at",
    "has_moved",
    "mean_over_steps",
    "mujoco_at",
    "paired_bootstrap",
    "position_error",
    "rest_drift",
    "rotation_error",
    "summarize",
    "world_of",
]
