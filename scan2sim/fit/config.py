"""Everything that can be set about training, with the presets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from scan2sim.fit.densify_config import DensifyConfig

__all__ = [
    "DepthConfig",
    "DropoutConfig",
    "FitConfig",
    "FloatersConfig",
    "LossConfig",
    "NormalsConfig",
    "RatesConfig",
    "RefinementConfig",
    "TeachersConfig",
    "fit_preset",
]


@dataclass(frozen=True)
class LossConfig:
    """What is made small besides the difference of the pictures."""

    ssim: float = 0.2
    """Weight of the structural term in the loss, the rest is the absolute difference."""
    opacity: float = 0.01
    """Weight of the mean opacity; removes what no photo needs (Kheradmand et al. 2024)."""
    binary: float = 0.5
    """Weight of the mean of 4 o (1 - o) over opacities o; makes surfaces opaque instead of foggy."""
    binary_start: float = 0.5
    """Share of the steps after which that weight counts."""
    scale: float = 0.01
    """Weight of the mean scale, relative to the scene's size (Kheradmand et al. 2024)."""
    flat: float = 0.0
    """Weight of the mean shortest axis, relative to the scene's size, which makes discs of blobs; 0 = off."""


@dataclass(frozen=True)
class RatesConfig:
    """Learning rates."""

    means: float = 4e-4
    """First learning rate of the means, relative to the scene's size; falls by `means_decay`."""
    means_decay: float = 0.02
    """Last learning rate of the means over the first."""
    scales: float = 0.01
    """Learning rate of the log scales."""
    quats: float = 0.004
    """Learning rate of the quaternions."""
    opacities: float = 0.05
    """Learning rate of the opacity logits."""
    colors: float = 0.008
    """Learning rate of the constant colour; the view-dependent part learns at a twentieth."""
    exposure: float = 0.003
    """Learning rate of each photo's gain and offset; 0 switches exposure compensation off."""


@dataclass(frozen=True)
class RefinementConfig:
    """Small corrections of the cameras' poses, learned with the Gaussians."""

    rate: float = 0.0
    """First learning rate, of rotations [rad] and of positions relative to the scene's size; 0 = off."""
    decay: float = 0.1
    """Last learning rate over the first."""
    start: float = 0.3
    """Share of the steps after which cameras may move."""


@dataclass(frozen=True)
class DepthConfig:
    """Rendered depth held to depth that is known."""

    points: float = 0.0
    """Weight of the sparse points that each photo sees; 0 = off."""
    sensor: float = 0.5
    """Weight of depth from a sensor, for photos that have it; 0 = off, and for those that have none."""
    decay: float = 0.1
    """Last weight over the first."""
    huber: float = 0.02
    """Error relative to the depth from which on it counts linearly instead of squared."""


@dataclass(frozen=True)
class NormalsConfig:
    """Rendered normals held to the slope of the rendered depth (Huang et al. 2024)."""

    weight: float = 0.0
    """Weight in the loss; 0 = off."""
    start: float = 0.3
    """Share of the steps after which it counts."""


@dataclass(frozen=True)
class DropoutConfig:
    """Random Gaussians left out of each step, so that few photos are not learned by heart (Park et al. 2025)."""

    share: float = 0.2
    """Share that is left out at the end; it grows evenly from 0."""
    photos: int = 16
    """Up to so many photos the whole share counts; from twice as many on, nothing is left out."""

    def share_of(self, photos: int) -> float:
        """The share for so many photos to train on."""
        return self.share * min(1.0, max(0.0, 2 - photos / self.photos))


@dataclass(frozen=True)
class TeachersConfig:
    """Trainings before the one that is kept, whose mean pictures of other viewpoints it learns from: where photos are
    few, unseen views come out better, for the time of all these trainings."""

    count: int = 0
    """How many; each takes as long as the one that is kept. 0 = off."""
    views: int = 60
    """Viewpoints that they draw."""
    jitter: float = 0.1
    """Random offset of these from the line between two photos' cameras, relative to its length."""
    photos_every: int = 3
    """One step of so many shows a photo, the others a drawn viewpoint."""


@dataclass(frozen=True)
class FloatersConfig:
    """Gaussians that are no part of any surface."""

    at: tuple[float, ...] = ()
    """Shares of the steps after which they are removed; 1 = at the end, empty = never."""
    min_paint: float = 0.5
    """Those that paint fewer pixels, summed over all photos, are removed."""
    margin: float = 0.15
    """Those nearer than the surface by more than this share of its depth float in front of it."""
    few: float = 0.3
    """What floats in most photos that see it is removed if no larger share of all photos sees it."""


@dataclass(frozen=True)
class FitConfig:
    """How photos with cameras become Gaussians."""

    steps: int = 1500
    """Training steps; one photo each."""
    max_gaussians: int = 60_000
    """Hard cap on the number of Gaussians during training."""
    budget: int | None = None
    """So many Gaussians are left at most, the most important ones; None = all."""
    budget_from: float = 0.85
    """Share of the steps after which the budget holds; the others let the rest take over."""
    max_size: int = 720
    """Photos are trained on, and held-out views judged at, at most this long side [pixels]."""
    sh_degree: int = 2
    """Degree of the view-dependent colour, 0 to 3."""
    coarse_to_fine: tuple[tuple[float, int], ...] = ((0.0, 4), (0.15, 2), (0.45, 1))
    """From this share of the steps on, photos are reduced by this factor."""
    optimizer: Literal["dense", "sparse"] = "dense"
    """``sparse`` updates only the Gaussians that the step's photo sees: faster where each photo sees a part."""
    densify: DensifyConfig = field(default_factory=DensifyConfig)
    """Where Gaussians are added and removed."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Weights in the loss."""
    rates: RatesConfig = field(default_factory=RatesConfig)
    """Learning rates."""
    poses: RefinementConfig = field(default_factory=RefinementConfig)
    """Corrections of the cameras."""
    depth: DepthConfig = field(default_factory=DepthConfig)
    """Depth from sparse points and sensors."""
    normals: NormalsConfig = field(default_factory=NormalsConfig)
    """Agreement of normals and depth."""
    dropout: DropoutConfig = field(default_factory=DropoutConfig)
    """Gaussians left out of steps."""
    teachers: TeachersConfig = field(default_factory=TeachersConfig)
    """Trainings that teach this one."""
    floaters: FloatersConfig = field(default_factory=FloatersConfig)
    """Removal of what floats."""
    hold_out_every: int = 8
    """Every n-th photo is never trained on and judges the result; 0 trains on all."""
    hold_out_offset: int | None = None
    """Which of each n photos is held out, counted from 0; None = the middle one."""
    checkpoint_seconds: float = 20.0
    """Time between two checkpoints."""
    seed: int = 0
    """Seed of every random choice."""


_EVERY_100 = DensifyConfig(every=100)
_PRESETS = {
    "draft": FitConfig(),
    "standard": FitConfig(steps=4000, max_gaussians=100_000, max_size=1200, densify=_EVERY_100),
    "high": FitConfig(steps=20_000, max_gaussians=400_000, max_size=1600, sh_degree=3, densify=_EVERY_100),
}


def fit_preset(quality: str, seed: int = 0) -> FitConfig:
    """The configuration of ``draft``, ``standard`` or ``high``.

    Raises:
        KeyError: there is no such preset.
    """
    return replace(_PRESETS[quality], seed=seed)
