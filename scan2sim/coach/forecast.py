"""What a build of a capture will probably give, foreseen from the coach's figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scan2sim.coach.figures import Figures

__all__ = ["Forecast", "forecast", "placed_band", "unseen_band"]

PlacedBand = Literal["few", "some", "nearly all"]
UnseenBand = Literal["poor", "fair", "good"]

SOME, NEARLY_ALL = 0.5, 0.85  # share of the views
FAIR, GOOD = 19.0, 22.0  # [dB]
# fitted by least squares to half of the captures of benchmarks/coach.py: a training of 500 steps at 400 pixels
OFFSET, PER_DOUBLED_VIEWS, PER_DOUBLED_DETAIL = 15.2, 3.33, -1.24  # [dB]


@dataclass(frozen=True)
class Forecast:
    """In bands: more than that cannot be known before."""

    placed: PlacedBand  # how many of the views will get a camera
    unseen: UnseenBand  # how well views that training does not see will come out
    unseen_psnr: float  # [dB] held out of a short training; a build reaches more, but ranks captures alike


def forecast(figures: Figures) -> Forecast:
    """Views that hang together get cameras; the more there are of them, and the less detail, the better unseen ones."""
    views = max(1.0, figures.distinct * figures.linked)
    psnr = OFFSET + PER_DOUBLED_VIEWS * math.log2(views) + PER_DOUBLED_DETAIL * math.log2(max(figures.detail, 1.0))
    placed = placed_band(figures.linked)
    return Forecast(placed, "poor" if placed == "few" else unseen_band(psnr), round(psnr, 1))


def placed_band(share: float) -> PlacedBand:
    """The band of a share of views with a camera."""
    return "nearly all" if share >= NEARLY_ALL else "some" if share >= SOME else "few"


def unseen_band(psnr: float | None) -> UnseenBand:
    """The band of a held-out PSNR [dB]; None, nothing came out, is poor."""
    return "poor" if psnr is None or psnr < FAIR else "fair" if psnr < GOOD else "good"
