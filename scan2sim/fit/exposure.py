"""Per-photo exposure: what a phone's automatic exposure does is not part of the scene."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Exposure"]

PULL = 0.02  # weight of the term that keeps the mean photo's exposure at identity


class Exposure:
    """One gain (as a logarithm) and one offset per channel and photo, trained with the Gaussians."""

    def __init__(self, photos: int, rate: float, device: torch.device | str = "cpu") -> None:
        self.values = torch.zeros(photos, 2, 3, device=device, requires_grad=rate > 0)
        self._optimizer = torch.optim.Adam([self.values], lr=rate) if rate > 0 else None

    def of(self, photo: int) -> Tensor | None:  # (2, 3)
        """Gain and offset that make of the rendered image what this photo's camera would have exposed; None = off."""
        if self._optimizer is None:
            return None
        gain, offset = self.values[photo]
        return torch.stack([gain.exp(), offset])

    def pull(self) -> Tensor:
        """A penalty, as only the product of scene and exposure is observed: the mean exposure is identity."""
        return PULL * self.values.mean(0).square().sum()

    def step(self) -> None:
        """One optimizer step."""
        if self._optimizer is not None:
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors."""
        state = self._optimizer.state.get(self.values, {}) if self._optimizer else {}
        return {"exposure/values": self.values.detach()} | {f"exposure/{k}": v for k, v in state.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned."""
        with torch.no_grad():
            self.values.copy_(state["exposure/values"])
        if self._optimizer and "exposure/step" in state:
            moments = {key: state[f"exposure/{key}"].to(self.values.device) for key in ("exp_avg", "exp_avg_sq")}
            self._optimizer.state[self.values] = {"step": state["exposure/step"].clone(), **moments}
