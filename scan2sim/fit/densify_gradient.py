"""The densification of the first paper: what is pulled about in the images is cloned or split."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.fit.parameters import Parameters
from scan2sim.fit.rows import rotate, seen
from scan2sim.fit.strategy import densifies, step_generator
from scan2sim.splats import Rendering

__all__ = ["GradientStrategy", "clone_split_prune"]

SPLIT_SHRINK = 1.6  # of all axes
CHILDREN = 2


class GradientStrategy:
    """Kerbl et al. 2023, "3D Gaussian Splatting", section 5.2, with a hard cap on the number.

    The gradient of the loss in the projected means, in units of half the image, is averaged over the steps that see a
    Gaussian.  Above a threshold small ones are cloned and large ones split; transparent and huge ones are removed; now
    and then all opacities are made small, so that what no photo needs does not come back.
    """

    def __init__(self, parameters: Parameters, size: float, config: FitConfig) -> None:
        self._parameters, self._size, self._config = parameters, size, config
        self._forget()

    def _forget(self) -> None:
        like = self._parameters.tensors["opacity_logits"]
        self._sums, self._counts = torch.zeros_like(like.detach()), torch.zeros_like(like.detach())

    def after_backward(self, rendering: Rendering) -> None:
        """Add the length of each gradient in the projected means."""
        if len(self._sums) != len(self._parameters):  # floaters were removed since the last step
            self._forget()
        assert rendering.means2d is not None  # always there where gradients are tracked
        gradient = rendering.means2d.grad
        if gradient is None:
            return
        height, width = rendering.colors.shape[1:3]
        drawn = seen(rendering)
        lengths = torch.linalg.vector_norm(gradient * gradient.new_tensor([width / 2, height / 2]), dim=-1)
        self._sums += torch.where(drawn, lengths, 0.0).sum(0)
        self._counts += drawn.sum(0)

    def after_step(self, step: int, factor: int) -> None:
        """Clone, split, prune and reset, if it is time to."""
        config, gradient = self._config, self._config.densify.gradient
        if densifies(step, config):
            clone_split_prune(
                self._parameters,
                self._sums / self._counts.clamp_min(1),
                self._size,
                config,
                step_generator(config.seed, step),
                remove_large=step > gradient.reset_every,
            )
            self._forget()
        if step % gradient.reset_every == 0 and step / config.steps < config.densify.until:
            highest = torch.logit(torch.tensor(gradient.reset_opacity)).item()
            self._parameters.set_opacity_logits(self._parameters.tensors["opacity_logits"].detach().clamp_max(highest))

    def state(self) -> dict[str, Tensor]:
        """Sums of gradients since the last densification."""
        return {"densify/sums": self._sums, "densify/counts": self._counts}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        self._sums = state["densify/sums"].to(self._sums.device)
        self._counts = state["densify/counts"].to(self._counts.device)


def clone_split_prune(
    parameters: Parameters,
    gradients: Tensor,  # (N,) mean length, per half image
    size: float,  # of the scene [m]
    config: FitConfig,
    generator: torch.Generator,
    remove_large: bool,
) -> None:
    """Multiply what has a large gradient, the largest first where the cap leaves no place for all; then prune.

    A clone is a copy.  Two Gaussians drawn from a split one's distribution, 1.6 times smaller, take its place.
    """
    settings = config.densify.gradient
    with torch.no_grad():
        gaussians = parameters.gaussians.detached()
        longest = gaussians.scales.amax(1)
        alive = gaussians.finite & (gaussians.opacities >= config.densify.min_opacity)
        wanted = alive & (gradients > settings.threshold)
        places = max(0, config.max_gaussians - int(alive.sum()))
        if int(wanted.sum()) > places:
            chosen = torch.where(wanted, gradients, -1.0).topk(places).indices
            wanted = torch.zeros_like(wanted).index_fill_(0, chosen, True)
        split = wanted & (longest > settings.large * size)
        kept, clones, parents = (
            (alive & ~split).nonzero()[:, 0],
            (wanted & ~split).nonzero()[:, 0],
            split.nonzero()[:, 0],
        )
        source = torch.cat([kept, clones, parents, parents])
        made = len(source) - CHILDREN * len(parents)

        scales = gaussians.scales[parents].repeat(CHILDREN, 1)
        offsets = torch.randn(len(scales), 3, generator=generator).to(scales) * scales
        means, log_scales = gaussians.means[source], gaussians.log_scales[source]
        means[made:] += rotate(gaussians.quats[parents].repeat(CHILDREN, 1), offsets)
        log_scales[made:] -= torch.log(torch.tensor(SPLIT_SHRINK)).item()
        fresh = torch.ones(len(source), dtype=torch.bool, device=source.device)
        fresh[: len(kept)] = False
        stays = torch.ones_like(fresh)
        if remove_large:
            stays = log_scales.exp().amax(1) <= settings.too_large * size
        changed = {"means": means[stays], "log_scales": log_scales[stays]}
        parameters.replace(source[stays], changed, fresh[stays])
