"""Photos with cameras become Gaussians: the trainer, its presets, held-out judgement and checkpoints."""

from scan2sim.fit.config import (
    DepthConfig,
    DropoutConfig,
    FitConfig,
    FloatersConfig,
    LossConfig,
    NormalsConfig,
    RatesConfig,
    RefinementConfig,
    TeachersConfig,
    fit_preset,
)
from scan2sim.fit.densify_config import DensifyConfig, GradientConfig, McmcConfig
from scan2sim.fit.depth import sensor_scale
from scan2sim.fit.held_out import split_held_out
from scan2sim.fit.result import FitResult, load_fit, save_fit
from scan2sim.fit.trainer import train
from scan2sim.fit.warm_start import align_start

__all__ = [
    "DensifyConfig",
    "DepthConfig",
    "DropoutConfig",
    "FitConfig",
    "FitResult",
    "FloatersConfig",
    "GradientConfig",
    "LossConfig",
    "McmcConfig",
    "NormalsConfig",
    "RatesConfig",
    "RefinementConfig",
    "TeachersConfig",
    "align_start",
    "fit_preset",
    "load_fit",
    "save_fit",
    "sensor_scale",
    "split_held_out",
    "train",
]
