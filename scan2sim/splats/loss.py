"""The image loss of splat training (Kerbl et al. 2023); on the CPU in C++ with its gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scan2sim.errors import UsageError
from scan2sim.splats.compiled import native
from scan2sim.splats.metrics import check_pair, ssim

__all__ = ["expose", "photometric_loss"]


def expose(
    image: Tensor,  # (H, W, 3)
    exposure: Tensor | None,  # (2, 3) gain and offset of each channel; None = leave the image as it is
) -> Tensor:  # (H, W, 3)
    """The image times the gain plus the offset."""
    return image if exposure is None else image * exposure[0] + exposure[1]


def photometric_loss(
    rendered: Tensor,  # (H, W, 3) both sides at least 11
    target: Tensor,  # (H, W, 3); uint8 counts from 0 to 255
    ssim_weight: float = 0.2,  # 0..1
    exposure: Tensor | None = None,  # (2, 3) gain and offset of each channel, applied to the rendered image first
) -> Tensor:  # scalar
    """``(1 - w) mean |rendered - target| + w (1 - SSIM)``, SSIM as in :func:`scan2sim.splats.ssim`.

    The gradient flows to ``rendered`` and ``exposure``.

    Raises:
        UsageError: different shapes, images smaller than SSIM's window, or a weight outside of 0..1.
    """
    check_pair(rendered, target)
    if not 0 <= ssim_weight <= 1:
        raise UsageError(f"ssim_weight = {ssim_weight}, expected 0 to 1")
    if exposure is not None and tuple(exposure.shape) != (2, 3):
        raise UsageError(f"exposure: got shape {tuple(exposure.shape)}, expected (2, 3)")
    target = target.detach()
    if rendered.device.type != "cpu":
        target = target / 255 if target.dtype == torch.uint8 else target
        rendered = expose(rendered, exposure)
        return (1 - ssim_weight) * (rendered - target).abs().mean() + ssim_weight * (1 - ssim(rendered, target))
    return _PhotometricLoss.apply(rendered, exposure, target, ssim_weight)


class _PhotometricLoss(torch.autograd.Function):
    """The gradients are computed with the value, row by row, and only scaled afterwards, where that changes them."""

    @staticmethod
    def forward(ctx: Any, rendered: Tensor, exposure: Tensor | None, target: Tensor, ssim_weight: float) -> Tensor:
        image = rendered.detach().float().contiguous()
        exposed = None if exposure is None else exposure.detach().float().contiguous()
        wanted = any(ctx.needs_input_grad[:2])
        gradient = torch.empty_like(image) if wanted else None
        of_exposure = torch.empty(2, 3) if wanted and exposure is not None else None
        target = (target if target.dtype == torch.uint8 else target.float()).contiguous()
        value = native.photometric_loss(image, target, ssim_weight, exposed, gradient, of_exposure)
        if gradient is not None:
            ctx.save_for_backward(gradient, of_exposure)
        return rendered.new_tensor(value)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        scale, dtype = grads[0].item(), grads[0].dtype
        scaled = [None if g is None else (g if scale == 1 else g * scale).to(dtype) for g in ctx.saved_tensors]
        return *scaled, None, None
