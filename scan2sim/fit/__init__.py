"""Photos with cameras become Gaussians: the trainer, its presets, held-out judgement and checkpoints."""

from scan2sim.fit.config import FitConfig, fit_preset
from scan2sim.fit.held_out import split_held_out
from scan2sim.fit.result import FitResult, load_fit
from scan2sim.fit.trainer import train

__all__ = ["FitConfig", "FitResult", "fit_preset", "load_fit", "split_held_out", "train"]
