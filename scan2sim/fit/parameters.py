"""The trainable parameters with their optimizer, and how both follow when Gaussians come and go."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.splats import AdamMoments, Gaussians, adam_step

__all__ = ["Parameters"]

SH_REST_RATE = 1 / 20  # of the constant colour's learning rate, as Kerbl et al. 2023


class Parameters:
    """Gaussians under training: leaf tensors by name, each with its moments and its learning rate in one Adam."""

    NAMES = ("means", "quats", "log_scales", "opacity_logits", "sh")

    def __init__(self, gaussians: Gaussians, config: FitConfig, size: float) -> None:
        rates = config.rates
        self._rates = {
            "means": rates.means * size,
            "quats": rates.quats,
            "log_scales": rates.scales,
            "opacity_logits": rates.opacities,
            "sh": rates.colors,
        }
        self._decay = rates.means_decay
        self._sparse = config.optimizer == "sparse"
        values = {name: getattr(gaussians, name).detach().clone() for name in self.NAMES}
        self.tensors: dict[str, Tensor] = {}
        self._steps = 0
        self._use(values, {n: AdamMoments(torch.zeros_like(v), torch.zeros_like(v)) for n, v in values.items()})

    def _use(self, values: dict[str, Tensor], moments: dict[str, AdamMoments]) -> None:
        tensors = {name: values[name].detach().contiguous().requires_grad_() for name in self.NAMES}
        self.tensors, self._moments = tensors, moments  # at once: memory may run out before

    def __len__(self) -> int:
        return len(self.tensors["means"])

    @property
    def gaussians(self) -> Gaussians:
        """The Gaussians as they are now, attached to autograd."""
        return Gaussians(**self.tensors)

    def rate(self, name: str, share: float) -> float:
        """Learning rate after ``share`` of the training (0..1)."""
        return self._rates[name] * (self._decay**share if name == "means" else 1.0)

    def step(
        self,
        share: float,
        seen: Tensor,  # (N,) bool: Gaussians that the step's photo sees
    ) -> None:
        """One Adam step after ``share`` of the training (0..1) and the gradients' end."""
        self._steps += 1
        for name, tensor in self.tensors.items():
            if tensor.grad is not None:
                moments = self._moments[name]
                rates = self._column_rates(name, share)
                adam_step(tensor, tensor.grad, moments, rates, self._steps, seen if self._sparse else None)
            tensor.grad = None

    def _column_rates(self, name: str, share: float) -> tuple[tuple[int, float], ...]:
        """The view-dependent part of the colours learns slower than the constant one."""
        rate, width = self.rate(name, share), self.tensors[name][:1].numel() if len(self) else 0
        if name != "sh" or width <= 3:
            return ((width, rate),)
        return (3, rate), (width - 3, rate * SH_REST_RATE)

    def replace(
        self,
        source: Tensor,  # (M,) int64: row of today's parameters that each new row comes from
        changed: dict[str, Tensor],  # new values by name, (M, …); others are copied
        fresh: Tensor,  # (M,) bool: rows whose optimizer history starts anew
    ) -> None:
        """Make new rows out of the old ones, optimizer history included."""
        values = {name: changed.get(name, tensor.detach()[source]) for name, tensor in self.tensors.items()}
        moments = {}
        for name, old in self._moments.items():
            moments[name] = AdamMoments(old.first[source], old.second[source])
            moments[name].first[fresh] = 0
            moments[name].second[fresh] = 0
        self._use(values, moments)

    def keep(self, rows: Tensor) -> None:  # (M,) int64 or (N,) bool
        """Remove all other rows."""
        source = rows.nonzero()[:, 0] if rows.dtype == torch.bool else rows
        self.replace(source, {}, torch.zeros(len(source), dtype=torch.bool, device=source.device))

    def set_opacity_logits(self, logits: Tensor) -> None:  # (N,)
        """Give all Gaussians other opacities, with no memory of how they changed before."""
        with torch.no_grad():
            self.tensors["opacity_logits"].copy_(logits)
            self._moments["opacity_logits"].first.zero_()
            self._moments["opacity_logits"].second.zero_()

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors."""
        out = {f"value/{name}": tensor.detach() for name, tensor in self.tensors.items()}
        for name, moments in self._moments.items():
            out |= {f"adam/{name}/first": moments.first, f"adam/{name}/second": moments.second}
        return out | {"adam/steps": torch.tensor(self._steps)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        device = self.tensors["means"].device
        state = {name: tensor.to(device) for name, tensor in state.items()}
        values = {name: state[f"value/{name}"] for name in self.NAMES}
        self._use(values, {n: AdamMoments(state[f"adam/{n}/first"], state[f"adam/{n}/second"]) for n in self.NAMES})
        self._steps = int(state["adam/steps"])
