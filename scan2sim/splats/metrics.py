"""How alike two images are."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.errors import UsageError

__all__ = ["match_exposure", "psnr", "ssim"]

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = 0.01**2
SSIM_C2 = 0.03**2


def psnr(
    a: Tensor,  # (…) values in 0..1
    b: Tensor,  # same shape
) -> Tensor:  # scalar [dB]
    """Peak signal-to-noise ratio -10 log₁₀ mean (a - b)²; infinite for equal images.

    Raises:
        UsageError: different shapes.
    """
    _check_same(a, b)
    return -10 * torch.log10(((a - b) ** 2).mean())


def ssim(
    a: Tensor,  # (H, W, 3) in 0..1, both sides at least 11
    b: Tensor,  # (H, W, 3)
) -> Tensor:  # scalar, 1 = equal
    """Structural similarity (Wang et al. 2004), mean over channels and all pixels with a whole window; differentiable.

    Gaussian window of 11 pixels with σ = 1.5, population covariances; the same figure as scikit-image gives with
    ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1``.

    Raises:
        UsageError: different shapes, or images smaller than the window.
    """
    check_pair(a, b)
    x, y = (image.permute(2, 0, 1)[:, None] for image in (a, b))
    stacked = torch.cat([x, y, x * x, y * y, x * y], 1)
    mu_x, mu_y, xx, yy, xy = _blur(stacked).unbind(1)
    luminance = (2 * mu_x * mu_y + SSIM_C1) / (mu_x * mu_x + mu_y * mu_y + SSIM_C1)
    structure = (2 * (xy - mu_x * mu_y) + SSIM_C2) / (xx - mu_x * mu_x + yy - mu_y * mu_y + SSIM_C2)
    return (luminance * structure).mean()


def match_exposure(
    image: Tensor,  # (H, W, 3)
    target: Tensor,  # (H, W, 3)
) -> Tensor:  # (H, W, 3)
    """The image after the gain and offset per channel that bring it closest to the target in least squares.

    Exposure and white balance of a photo are not what a reconstruction is judged by.

    Raises:
        UsageError: different shapes.
    """
    _check_same(image, target)
    x, y = image.reshape(-1, image.shape[-1]).double(), target.reshape(-1, target.shape[-1]).double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    variance = ((x - mean_x) ** 2).mean(0)
    covariance = ((x - mean_x) * (y - mean_y)).mean(0)
    gain = torch.where(variance > 1e-12, covariance / variance.clamp_min(1e-12), 1.0)
    return ((image.double() - mean_x) * gain + mean_y).to(image.dtype)


def check_pair(a: Tensor, b: Tensor) -> None:
    """Raise a UsageError unless both are (H, W, 3) images of one size that hold a whole SSIM window."""
    _check_same(a, b)
    if a.ndim != 3 or a.shape[2] != 3 or min(a.shape[:2]) < SSIM_WINDOW:
        raise UsageError(
            f"got an image of shape {tuple(a.shape)}, expected (H, W, 3) with sides of at least {SSIM_WINDOW}"
        )


def _check_same(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise UsageError(f"images of shapes {tuple(a.shape)} and {tuple(b.shape)}, expected the same")


def _blur(images: Tensor) -> Tensor:
    """Gaussian window means of (B, K, H, W) wherever the window fits."""
    offsets = torch.arange(SSIM_WINDOW, dtype=images.dtype, device=images.device) - SSIM_WINDOW // 2
    taps = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    kernel = (taps / taps.sum()).expand(images.shape[1], 1, 1, -1)
    across = torch.nn.functional.conv2d(images, kernel, groups=images.shape[1])
    return torch.nn.functional.conv2d(across, kernel.transpose(2, 3), groups=images.shape[1])
