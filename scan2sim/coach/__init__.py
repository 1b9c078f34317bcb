"""Is a capture good enough, and what should be filmed again: answered in seconds, before any long work."""

from scan2sim.coach.advice import Advice, judge_figures
from scan2sim.coach.config import CoachConfig
from scan2sim.coach.figures import Figures, measure_capture
from scan2sim.coach.forecast import Forecast, forecast, placed_band, unseen_band

__all__ = [
    "Advice",
    "CoachConfig",
    "Figures",
    "Forecast",
    "forecast",
    "judge_figures",
    "measure_capture",
    "placed_band",
    "unseen_band",
]
