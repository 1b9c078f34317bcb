"""The trainable parameters with their optimizer, and how both follow when Gaussians come and go."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor

from scan2sim.fit.config import FitConfig
from scan2sim.splats import Gaussians

__all__ = ["Parameters"]

SH_REST_RATE = 1 / 20  # of the constant colour's learning rate, as Kerbl et al. 2023


class Parameters:
    """Gaussians under training: leaf tensors by name, each its own group of one Adam.

    ``sh`` is split into its constant and its view-dependent part because they learn at different rates.
    """

    NAMES = ("means", "quats", "log_scales", "opacity_logits", "sh_constant", "sh_rest")

    def __init__(self, gaussians: Gaussians, config: FitConfig, size: float) -> None:
        values = {f.name: getattr(gaussians, f.name) for f in fields(gaussians) if f.name not in ("sh", "object_ids")}
        values["sh_constant"], values["sh_rest"] = gaussians.sh[:, :1], gaussians.sh[:, 1:]
        self._rates = {
            "means": config.means_rate * size,
            "quats": config.quats_rate,
            "log_scales": config.scales_rate,
            "opacity_logits": config.opacities_rate,
            "sh_constant": config.colors_rate,
            "sh_rest": config.colors_rate * SH_REST_RATE,
        }
        self._decay = config.means_decay
        self.tensors: dict[str, Tensor] = {}
        self._use(values, None)

    def _use(self, values: dict[str, Tensor], moments: dict[str, dict[str, Tensor]] | None) -> None:
        self.tensors = {name: values[name].detach().clone().contiguous().requires_grad_() for name in self.NAMES}
        self.optimizer = torch.optim.Adam(
            [{"params": [self.tensors[name]], "lr": self._rates[name], "name": name} for name in self.NAMES],
            eps=1e-15,
            fused=True,
        )
        if moments:
            for name, tensor in self.tensors.items():
                self.optimizer.state[tensor] = moments[name]

    def __len__(self) -> int:
        return len(self.tensors["means"])

    @property
    def gaussians(self) -> Gaussians:
        """The Gaussians as they are now, attached to autograd."""
        t = self.tensors
        return Gaussians(
            t["means"],
            t["quats"],
            t["log_scales"],
            t["opacity_logits"],
            torch.cat([t["sh_constant"], t["sh_rest"]], 1),
        )

    def step(self, share: float) -> None:
        """One Adam step; ``share`` of the training is done (0..1), which sets the means' learning rate."""
        for group in self.optimizer.param_groups:
            if group["name"] == "means":
                group["lr"] = self._rates["means"] * self._decay**share
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def replace(
        self,
        source: Tensor,  # (M,) int64: row of today's parameters that each new row comes from
        changed: dict[str, Tensor],  # new values by name, (M, …); others are copied
        fresh: Tensor,  # (M,) bool: rows whose optimizer history starts anew
    ) -> None:
        """Make new rows out of the old ones, optimizer history included."""
        values = {name: changed.get(name, tensor.detach()[source]) for name, tensor in self.tensors.items()}
        moments = {}
        for name, tensor in self.tensors.items():
            state = self.optimizer.state.get(tensor)
            if not state:
                self._use(values, None)
                return
            moments[name] = {"step": state["step"].clone()}
            for key in ("exp_avg", "exp_avg_sq"):
                moved = state[key][source].clone()
                moved[fresh] = 0
                moments[name][key] = moved
        self._use(values, moments)

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors."""
        out = {f"value/{name}": tensor.detach() for name, tensor in self.tensors.items()}
        for name, tensor in self.tensors.items():
            out |= {f"adam/{name}/{key}": value for key, value in self.optimizer.state.get(tensor, {}).items()}
        return out

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        values = {name: state[f"value/{name}"] for name in self.NAMES}
        moments = {
            name: {key: state[f"adam/{name}/{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
            for name in self.NAMES
            if f"adam/{name}/step" in state
        }
        self._use(values, moments or None)
