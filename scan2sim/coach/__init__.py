"""Is a capture good enough, and what should be filmed again: answered in seconds, before any long work."""

from scan2sim.coach.advice import Advice, judge_figures
from scan2sim.coach.config import CoachConfig
from scan2sim.coach.figures import Figures, measure_capture

__all__ = ["Advice", "CoachConfig", "Figures", "judge_figures", "measure_capture"]
