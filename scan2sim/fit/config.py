"""Everything that can be set about training, with the presets."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["FitConfig", "fit_preset"]


@dataclass(frozen=True)
class FitConfig:
    """How photos with cameras become Gaussians."""

    steps: int = 1500
    """Training steps; one photo each."""
    max_gaussians: int = 60_000
    """Hard cap on the number of Gaussians."""
    max_size: int = 720
    """Photos are trained on, and held-out views judged at, at most this long side [pixels]."""
    sh_degree: int = 2
    """Degree of the view-dependent colour, 0 to 3."""
    coarse_to_fine: tuple[tuple[float, int], ...] = ((0.0, 4), (0.15, 2), (0.45, 1))
    """From this share of the steps on, photos are reduced by this factor."""
    densify_from: float = 0.05
    """Share of the steps after which Gaussians are split where the error is."""
    densify_until: float = 0.7
    """Share of the steps after which their number stays; the cap is reached here."""
    densify_every: int = 60
    """Steps between two densifications."""
    densify_views: int = 6
    """Photos whose errors decide where Gaussians are split."""
    min_opacity: float = 0.005
    """Gaussians below this opacity are removed when densifying."""
    ssim_weight: float = 0.2
    """Weight of the structural term in the loss, the rest is the absolute difference."""
    opacity_weight: float = 0.003
    """Weight of the mean opacity in the loss; removes what no photo needs."""
    binary_weight: float = 0.5
    """Weight of the mean of 4 o (1 - o) over opacities o in the loss; makes surfaces opaque instead of foggy."""
    binary_from: float = 0.5
    """Share of the steps after which that weight counts."""
    scale_weight: float = 0.003
    """Weight of the mean scale, relative to the scene's size, in the loss."""
    flat_weight: float = 30.0
    """Weight of the mean shortest axis, relative to the scene's size; discs lie on surfaces, blobs within."""
    means_rate: float = 4e-4
    """First learning rate of the means, relative to the scene's size; falls by `means_decay`."""
    means_decay: float = 0.02
    """Last learning rate of the means over the first."""
    scales_rate: float = 0.01
    """Learning rate of the log scales."""
    quats_rate: float = 0.004
    """Learning rate of the quaternions."""
    opacities_rate: float = 0.05
    """Learning rate of the opacity logits."""
    colors_rate: float = 0.008
    """Learning rate of the constant colour; the view-dependent part learns at a twentieth."""
    exposure_rate: float = 0.003
    """Learning rate of each photo's gain and offset; 0 switches exposure compensation off."""
    hold_out_every: int = 8
    """Every n-th photo is never trained on and judges the result; 0 trains on all."""
    checkpoint_seconds: float = 20.0
    """Time between two checkpoints."""
    seed: int = 0
    """Seed of every random choice."""


_PRESETS = {
    "draft": FitConfig(),
    "standard": FitConfig(steps=6000, max_gaussians=150_000, max_size=1200, sh_degree=3, densify_every=100),
    "high": FitConfig(steps=20_000, max_gaussians=400_000, max_size=1600, sh_degree=3, densify_every=100),
}


def fit_preset(quality: str, seed: int = 0) -> FitConfig:
    """The configuration of ``draft``, ``standard`` or ``high``.

    Raises:
        KeyError: there is no such preset.
    """
    return replace(_PRESETS[quality], seed=seed)
