"""Gaussians: the parameters of a 3D Gaussian splat scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

__all__ = ["SH_C0", "Gaussians", "concatenate"]

SH_C0 = 0.28209479177387814  # the constant spherical harmonic: colour = SH_C0 * sh[:, 0] + 0.5


@dataclass(frozen=True)
class Gaussians:
    """N anisotropic 3D Gaussians with view-dependent colour (Kerbl et al. 2023), parameters before activation.

    Covariance ``R diag(exp(log_scales))² Rᵀ`` with R of the normalised quaternion, opacity
    ``sigmoid(opacity_logits)``, colour ``max(0, Σ_k Y_k(direction) sh[:, k] + 0.5)``.
    """

    means: Tensor  # (N, 3) [m]
    quats: Tensor  # (N, 4) wxyz, need not be unit
    log_scales: Tensor  # (N, 3) natural logarithm of [m]
    opacity_logits: Tensor  # (N,)
    sh: Tensor  # (N, K, 3), K = (degree + 1)² in 1, 4, 9, 16
    object_ids: Tensor | None = None  # (N,) int32, 0 = background

    def __post_init__(self) -> None:
        n = len(self.means)
        shapes = {"means": (n, 3), "quats": (n, 4), "log_scales": (n, 3), "opacity_logits": (n,)}
        for name, shape in shapes.items():
            given = tuple(getattr(self, name).shape)
            if given != shape:
                raise ValueError(f"{name}: got shape {given}, expected {shape}")
        if self.sh.ndim != 3 or self.sh.shape[0] != n or self.sh.shape[1] not in (1, 4, 9, 16) or self.sh.shape[2] != 3:
            raise ValueError(f"sh: got shape {tuple(self.sh.shape)}, expected ({n}, 1|4|9|16, 3)")
        if self.object_ids is not None and tuple(self.object_ids.shape) != (n,):
            raise ValueError(f"object_ids: got shape {tuple(self.object_ids.shape)}, expected ({n},)")

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0..3."""
        return round(self.sh.shape[1] ** 0.5) - 1

    @property
    def opacities(self) -> Tensor:
        """(N,) in 0..1."""
        return torch.sigmoid(self.opacity_logits)

    @property
    def scales(self) -> Tensor:
        """(N, 3) standard deviations along the Gaussian's own axes [m]."""
        return torch.exp(self.log_scales)

    @property
    def base_colors(self) -> Tensor:
        """(N, 3) the colour without its view-dependent part."""
        return self.sh[:, 0] * SH_C0 + 0.5

    @property
    def finite(self) -> Tensor:
        """(N,) bool: those with finite values only."""
        parts = (self.means, self.quats, self.log_scales, self.opacity_logits[:, None], self.sh)
        if all(bool(part.detach().sum().isfinite()) for part in parts):  # a sum is finite only where all of it is
            return torch.ones(len(self), dtype=torch.bool, device=self.means.device)
        return torch.stack([part.detach().isfinite().flatten(1).all(1) for part in parts]).all(0)

    def __getitem__(self, index: Tensor | slice) -> Gaussians:
        """The Gaussians selected by a mask, indices or a slice."""
        return self._each(lambda values: values[index])

    def to(self, device: torch.device | str) -> Gaussians:
        """The same Gaussians on another device."""
        return self._each(lambda values: values.to(device))

    def detached(self) -> Gaussians:
        """The same values without autograd history."""
        return self._each(Tensor.detach)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Gaussians:
        return Gaussians(
            means=change(self.means),
            quats=change(self.quats),
            log_scales=change(self.log_scales),
            opacity_logits=change(self.opacity_logits),
            sh=change(self.sh),
            object_ids=None if self.object_ids is None else change(self.object_ids),
        )

    def with_ids(self, object_ids: Tensor | None) -> Gaussians:
        """The same Gaussians with other object ids."""
        return replace(self, object_ids=object_ids)

    @staticmethod
    def empty(sh_degree: int = 0) -> Gaussians:
        """No Gaussians at all."""
        return Gaussians(
            torch.zeros(0, 3),
            torch.zeros(0, 4),
            torch.zeros(0, 3),
            torch.zeros(0),
            torch.zeros(0, (sh_degree + 1) ** 2, 3),
        )


def concatenate(parts: list[Gaussians]) -> Gaussians:
    """All Gaussians of all parts; lower SH degrees are filled up with zeros, missing object ids with 0."""
    if not parts:
        return Gaussians.empty()
    width = max(part.sh.shape[1] for part in parts)
    any_ids = any(part.object_ids is not None for part in parts)
    ids = [
        part.object_ids if part.object_ids is not None else torch.zeros(len(part), dtype=torch.int32) for part in parts
    ]
    return Gaussians(
        means=torch.cat([p.means for p in parts]),
        quats=torch.cat([p.quats for p in parts]),
        log_scales=torch.cat([p.log_scales for p in parts]),
        opacity_logits=torch.cat([p.opacity_logits for p in parts]),
        sh=torch.cat([torch.nn.functional.pad(p.sh, (0, 0, 0, width - p.sh.shape[1])) for p in parts]),
        object_ids=torch.cat(ids) if any_ids else None,
    )
