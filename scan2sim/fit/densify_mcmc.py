"""Densification as sampling: dead Gaussians move to live ones, new ones join them, and all jitter."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.fit.parameters import Parameters
from scan2sim.fit.rows import rotate
from scan2sim.fit.strategy import densifies, step_generator
from scan2sim.splats import Rendering

__all__ = ["McmcStrategy", "shared_gaussian"]

MAX_COPIES = 51  # of one Gaussian in one go, as the authors
GATE_STEEPNESS, GATE_OPACITY = 100.0, 0.005  # noise fades out around this opacity
LEAST_OPACITY, MOST_OPACITY = 0.005, 1 - 1e-6


class McmcStrategy:
    """Kheradmand et al. 2024, "3D Gaussian Splatting as Markov Chain Monte Carlo".

    Their regularisers are ``loss.opacity`` and ``loss.scale``.
    """

    def __init__(self, parameters: Parameters, size: float, config: FitConfig) -> None:
        self._parameters, self._size, self._config = parameters, size, config

    def after_backward(self, rendering: Rendering) -> None:
        """Nothing: the chain looks at opacities only."""

    def after_step(self, step: int, factor: int) -> None:
        """Relocate and add, if it is time to, then jitter."""
        config = self._config
        generator = step_generator(config.seed, step)
        if densifies(step, config):
            self._relocate_and_add(generator)
        if config.densify.mcmc.noise > 0:
            self._jitter(step / config.steps, generator)

    def state(self) -> dict[str, Tensor]:
        """Nothing: random numbers depend on seed and step only."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Nothing to load."""

    def _relocate_and_add(self, generator: torch.Generator) -> None:
        """Copies of live Gaussians, drawn by opacity, take the dead ones' places and are added until the cap."""
        config = self._config
        with torch.no_grad():
            gaussians = self._parameters.gaussians.detached()
            alive = ((gaussians.opacities > config.densify.min_opacity) & gaussians.finite).nonzero()[:, 0]
            if not len(alive):
                return
            grown = min(config.max_gaussians, int(len(gaussians) * (1 + config.densify.mcmc.growth)))
            wanted = max(grown, len(alive)) - len(alive)
            if wanted == 0:
                self._parameters.keep(alive)
                return
            weights = gaussians.opacities[alive].double().cpu()
            # inverse of the cumulative sum instead of torch.multinomial, which takes 2²⁴ categories at most
            sums = weights.cumsum(0)
            drawn = torch.rand(wanted, generator=generator, dtype=torch.float64) * sums[-1]
            drawn = torch.searchsorted(sums, drawn).clamp_max(len(sums) - 1).to(alive.device)
            copies = torch.bincount(drawn, minlength=len(alive)) + 1  # (A,) the Gaussian itself included
            local = torch.cat([torch.arange(len(alive), device=alive.device), drawn])
            source, shared = alive[local], (copies > 1)[local]
            opacities, shrink = shared_gaussian(gaussians.opacities[source], copies[local])
            opacities = opacities.clamp(LEAST_OPACITY, MOST_OPACITY)
            logits = torch.where(shared, torch.logit(opacities), gaussians.opacity_logits[source])
            log_scales = gaussians.log_scales[source] + torch.where(shared, shrink.log(), 0.0)[:, None]
            self._parameters.replace(source, {"opacity_logits": logits, "log_scales": log_scales}, shared)

    def _jitter(self, share: float, generator: torch.Generator) -> None:
        """Move transparent Gaussians at random within their own extent.

        The noise is ``rate · noise · Σ ξ`` with the learning rate and the covariance Σ relative to the scene's size.
        """
        with torch.no_grad():
            gaussians, size = self._parameters.gaussians.detached(), self._size
            rate = self._parameters.rate("means", share) / size * self._config.densify.mcmc.noise
            gate = torch.sigmoid(GATE_STEEPNESS * (GATE_OPACITY - gaussians.opacities))
            noise = torch.randn(len(gaussians), 3, generator=generator).to(gaussians.means)
            # Σ ξ = R S² Rᵀ ξ
            inverse = gaussians.quats * gaussians.quats.new_tensor([1.0, -1, -1, -1])
            turned = rotate(gaussians.quats, rotate(inverse, noise) * (gaussians.scales / size) ** 2)
            moved = gaussians.means + turned * (gate * rate * size)[:, None]
            self._parameters.tensors["means"].copy_(torch.where(moved.isfinite(), moved, gaussians.means))


def shared_gaussian(
    opacities: Tensor,  # (N,) in 0..1
    copies: Tensor,  # (N,) number of equal Gaussians, at one place, that take a Gaussian's place
) -> tuple[Tensor, Tensor]:  # opacity of each copy (N,), its scale over the old one (N,)
    """Opacity and size of ``n`` Gaussians that together look like one (equation 9 of the paper).

    With o' = 1 - (1 - o)^(1/n) they cover the centre as before, and with the scale factor
    ``o / Σ_{j=1..n} C(n, j) (-1)^{j+1} o'^j / √j`` their blend has the same integral along each line through it; the
    paper's double sum is this one, as Σ_{i=j..n} C(i - 1, j - 1) = C(n, j).
    """
    n = copies.clamp(1, MAX_COPIES).double()
    old = opacities.double().clamp(1e-9, 1 - 1e-9)
    new = 1 - (1 - old) ** (1 / n)
    total = torch.zeros_like(new)
    for j in range(1, int(n.max()) + 1 if len(n) else 1):
        # C(n, j) o'^j as one logarithm; gone where j > n
        chosen = torch.lgamma(n + 1) - torch.lgamma(n - j + 1) - torch.lgamma(torch.tensor(j + 1.0).to(n))
        term = (chosen + j * new.log()).exp() / j**0.5
        total = total + torch.where(j <= n, term if j % 2 else -term, 0.0)
    return new.to(opacities), (old / total).to(opacities)
