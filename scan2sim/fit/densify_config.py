"""What can be set about adding and removing Gaussians during training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["DensifyConfig", "GradientConfig", "McmcConfig"]


@dataclass(frozen=True)
class GradientConfig:
    """Cloning and splitting where the projected means are pulled about (Kerbl et al. 2023, section 5.2)."""

    threshold: float = 2e-4
    """Mean gradient of the loss in a projected mean, in units of half the image, above which a Gaussian multiplies."""
    large: float = 0.01
    """Longer than this, relative to the scene's size, it is split, otherwise cloned."""
    too_large: float = 0.1
    """Longer than this, relative to the scene's size, it is removed after the first reset."""
    reset_every: int = 3000
    """Steps between two resets of all opacities."""
    reset_opacity: float = 0.02
    """No opacity is larger after a reset."""


@dataclass(frozen=True)
class McmcConfig:
    """Gaussians as samples that move to where they are needed (Kheradmand et al. 2024)."""

    growth: float = 0.05
    """Share of new Gaussians at each densification, until the cap."""
    noise: float = 5e5
    """Noise on transparent Gaussians' means, times learning rate and covariance; 0 switches it off."""


@dataclass(frozen=True)
class DensifyConfig:
    """Where Gaussians are added and removed during training."""

    strategy: Literal["error", "default", "mcmc"] = "error"
    """``error`` splits what painted the errors, ``default`` is Kerbl et al. 2023, ``mcmc`` Kheradmand et al. 2024."""
    start: float = 0.05
    """Share of the steps after which Gaussians are added."""
    until: float = 0.7
    """Share of the steps after which their number stays."""
    every: int = 60
    """Steps between two densifications."""
    min_opacity: float = 0.005
    """Gaussians below this opacity are removed, or moved elsewhere, when densifying."""
    views: int = 6
    """Photos whose errors decide with the strategy ``error``."""
    gradient: GradientConfig = field(default_factory=GradientConfig)
    """Details of the strategy ``default``."""
    mcmc: McmcConfig = field(default_factory=McmcConfig)
    """Details of the strategy ``mcmc``."""
