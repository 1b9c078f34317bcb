"""Adam on the Gaussians that a step has seen; on the CPU in C++."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats.compiled import native

__all__ = ["AdamMoments", "adam_step"]

BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-15


@dataclass(frozen=True)
class AdamMoments:
    """What Adam remembers of a parameter's gradients."""

    first: Tensor  # (N, …) mean
    second: Tensor  # (N, …) mean square


def adam_step(
    values: Tensor,  # (N, …) changed in place
    gradient: Tensor,  # (N, …)
    moments: AdamMoments,  # changed in place
    rates: tuple[tuple[int, float], ...],  # learning rates: (columns, rate), from the first column on
    step: int,  # steps of the whole training, this one included
    seen: Tensor | None = None,  # (N,) bool, None = all rows
) -> None:
    """One step of Adam (Kingma & Ba 2015) on the rows that were seen; values and moments of others stay as they are.

    A Gaussian that a photo does not see neither decays nor drifts on old momentum (Mallick et al. 2024, "Taming
    3DGS", section 4.3).  If all rows are seen in each step, this is Adam with β = (0.9, 0.999) and ε = 1e-15.

    The bias of the moments is corrected by the number of steps of the training, as dense Adam does it, not by each
    row's own: newly made rows begin with steps up to three times longer, which lets children of a split part quickly.

    Several rates give parts of a row rates of their own: a row is taken as flat, and each pair of columns and rate
    continues where the last one ended.

    Raises:
        UsageError: shapes that differ, or columns that do not add up to the row's length.
    """
    shapes = {tuple(t.shape) for t in (values, gradient, moments.first, moments.second)}
    width = values[0].numel() if len(values) else sum(columns for columns, _ in rates)
    if len(shapes) != 1 or sum(columns for columns, _ in rates) != width:
        raise UsageError(f"adam_step: shapes {sorted(shapes)} and columns {rates} do not fit together")
    if seen is not None and tuple(seen.shape) != (len(values),):
        raise UsageError(f"seen: got shape {tuple(seen.shape)}, expected ({len(values)},)")
    if not values.numel():
        return
    with torch.no_grad():
        flat = [t.detach().view(len(values), width) for t in (values, moments.first, moments.second)]
        slopes = gradient.detach().reshape(len(values), width)
        begin = 0
        for columns, rate in rates:
            scales = rate / (1 - BETA1**step), 1 / (1 - BETA2**step)
            if values.device.type == "cpu" and values.dtype == torch.float32:
                mask = None if seen is None else seen.contiguous()
                arguments = (begin, columns, BETA1, BETA2, *scales, EPSILON)
                native.adam(flat[0], slopes.contiguous(), flat[1], flat[2], mask, *arguments)
            else:
                _torch_step(flat, slopes, slice(begin, begin + columns), scales, seen)
            begin += columns


def _torch_step(
    flat: list[Tensor], slopes: Tensor, columns: slice, scales: tuple[float, float], seen: Tensor | None
) -> None:
    rows = slice(None) if seen is None else seen.nonzero()[:, 0]
    slope = slopes[rows, columns]
    first = torch.lerp(flat[1][rows, columns], slope, 1 - BETA1)
    second = torch.lerp(flat[2][rows, columns], slope * slope, 1 - BETA2)
    flat[0][rows, columns] -= scales[0] * first / ((second * scales[1]).sqrt_() + EPSILON)
    flat[1][rows, columns] = first
    flat[2][rows, columns] = second
