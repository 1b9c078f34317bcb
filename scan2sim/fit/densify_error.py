"""Densification by error: what painted the photos' errors is split."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.fit.exposure import Exposure
from scan2sim.fit.parameters import Parameters
from scan2sim.fit.photos import Photo
from scan2sim.fit.rows import rotate
from scan2sim.fit.strategy import densifies, step_generator
from scan2sim.splats import Rendering, accumulate, expose, rasterize

__all__ = ["ErrorStrategy", "error_scores", "prune_and_split"]

SPLIT_SCALE = 0.5  # of the long axis, for each of the two children
SPLIT_OFFSET = 0.5  # standard deviations of the parent from its centre
SPLIT_OTHER = 0.9  # of the other two axes
MAX_SHARE = 0.5  # of all Gaussians that are split in one go


class ErrorStrategy:
    """Grows evenly from the first number of Gaussians to the cap, by splitting those with the largest errors."""

    def __init__(
        self, parameters: Parameters, photos: Callable[[], list[Photo]], exposure: Exposure, config: FitConfig
    ) -> None:
        self._parameters, self._photos, self._exposure, self._config = parameters, photos, exposure, config
        self._first_count = len(parameters)

    def after_backward(self, rendering: Rendering) -> None:
        """Nothing: errors are looked at when densifying."""

    def after_step(self, step: int, factor: int) -> None:
        """Split what painted the errors of a few photos, if it is time to."""
        config, densify = self._config, self._config.densify
        if not densifies(step, config):
            return
        span = max(densify.until - densify.start, 1e-9)
        growth = min(1.0, (step / config.steps - densify.start + densify.every / config.steps) / span)
        target = round(self._first_count + (config.max_gaussians - self._first_count) * growth)
        generator = step_generator(config.seed, step)
        photos = self._photos()
        chosen = torch.randperm(len(photos), generator=generator)[: densify.views].tolist()
        # one level coarser than training: the errors' places are needed, not their finest detail
        coarser = max([f for f in photos[0].levels if f <= factor * 2])
        exposures = [self._exposure.of(i) for i in chosen]
        scores = error_scores(self._parameters, [photos[i] for i in chosen], coarser, exposures)
        prune_and_split(self._parameters, scores, target, densify.min_opacity, generator)

    def state(self) -> dict[str, Tensor]:
        """The first number of Gaussians."""
        return {"densify/first_count": torch.tensor(self._first_count)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        self._first_count = int(state["densify/first_count"])


def error_scores(
    parameters: Parameters,
    photos: list[Photo],
    factor: int,
    exposures: list[Tensor | None],  # per photo (2, 3): gain and offset of each channel
) -> Tensor:  # (N,)
    """How much of the photos' error each Gaussian painted.

    The absolute difference of each pixel is shared out by blending weight, then summed over pixels and photos
    (Rota Bulò et al. 2024, "Revising Densification in Gaussian Splatting", section 3.1).
    """
    with torch.no_grad():
        gaussians = parameters.gaussians.detached()
        scores = torch.zeros_like(gaussians.opacity_logits)
        for photo, exposure in zip(photos, exposures, strict=True):
            image, camera = photo.view(factor)
            rendered = expose(rasterize(gaussians, [camera]).colors[0], exposure)
            error = (rendered - image).abs().mean(-1)
            # pixels of a reduced photo stand for factor² pixels
            scores += accumulate(gaussians, [camera], error[None, :, :, None])[:, 0] * factor**2
    return scores


def prune_and_split(
    parameters: Parameters,
    scores: Tensor,  # (N,)
    target: int,
    min_opacity: float,
    generator: torch.Generator,
) -> None:
    """Remove what is transparent or not finite, then split along the longest axis until there are ``target``.

    Parents are drawn without replacement with probability proportional to their score.  Two children, half as
    long, take a parent's place half a standard deviation to both sides of its centre.
    """
    with torch.no_grad():
        gaussians = parameters.gaussians.detached()
        alive = ((gaussians.opacities > min_opacity) & gaussians.finite).nonzero()[:, 0]
        weights = scores[alive].double().clamp_min(0)
        count = min(target - len(alive), int(MAX_SHARE * len(alive)), int((weights > 0).sum()))
        if count <= 0:
            parameters.keep(alive)
            return
        # Efraimidis & Spirakis 2006: the largest keys u^(1/w) are a weighted draw without replacement
        uniform = torch.rand(len(alive), generator=generator, dtype=torch.float64).to(weights.device)
        keys = torch.where(weights > 0, uniform.log() / weights.clamp_min(1e-300), -torch.inf)
        parents = alive[keys.topk(count).indices].sort().values
        source = torch.cat([alive, parents])
        is_parent = torch.zeros_like(scores, dtype=torch.bool)
        is_parent[parents] = True
        split = is_parent[source]
        sign = torch.ones_like(gaussians.opacity_logits[source])
        sign[len(alive) :] = -1

        scales = gaussians.scales[source]
        long_axis = torch.nn.functional.one_hot(scales.argmax(1), 3).to(scales.dtype)
        along = rotate(gaussians.quats[source], long_axis * scales) * SPLIT_OFFSET
        means = gaussians.means[source] + along * (sign * split)[:, None]
        shrink = long_axis * SPLIT_SCALE + (1 - long_axis) * SPLIT_OTHER
        log_scales = gaussians.log_scales[source] + shrink.log() * split[:, None]
        parameters.replace(source, {"means": means, "log_scales": log_scales}, split)
