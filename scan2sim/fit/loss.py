"""What training makes small: the terms of the loss, one function each."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.fit.config import LossConfig
from scan2sim.fit.depth import DepthSamples
from scan2sim.fit.normals import normals_from_depth
from scan2sim.fit.projection import pixel_of
from scan2sim.splats import Gaussians, Rendering

__all__ = ["depth_term", "normal_term", "shape_terms"]

SOLID = 0.05  # less blended opacity than this carries no depth


def shape_terms(gaussians: Gaussians, size: float, share: float, config: LossConfig) -> Tensor:  # scalar
    """Small weights on the Gaussians themselves after ``share`` of the training in a scene of ``size`` [m].

    On opacity and scale (Kheradmand et al. 2024, "3D Gaussian Splatting as MCMC"), on the shortest axis, which turns
    blobs into discs on the surface (Chen et al. 2024, "PGSR", section 3.1), and, later, on opacities that are neither
    0 nor 1 (Guédon & Lepetit 2024, "SuGaR", section 4.1).
    """
    opacities = gaussians.opacities
    loss = config.opacity * opacities.mean()
    if share >= config.binary_start:
        loss = loss + config.binary * (4 * opacities * (1 - opacities)).mean()
    scales = gaussians.scales / size
    return loss + config.scale * scales.mean() + config.flat * scales.amin(1).mean()


def depth_term(rendering: Rendering, samples: DepthSamples, huber: float) -> Tensor:  # scalar
    """Huber's loss of the relative depth error ``(rendered - known) / known`` at the samples, over ``huber``.

    Below ``huber`` it is ``e² / (2 huber)``, above ``|e| - huber / 2``.  The rendered depth is the blended one divided
    by the blended opacity; each sample counts with its weight and with that opacity, so that what is not yet solid is
    not pulled about.  0 where there are no samples.
    """
    height, width = rendering.depths.shape[1:3]
    depths, alphas = rendering.depths[0].flatten(), rendering.alphas[0].detach().flatten()
    size = samples.positions.new_tensor([width, height])
    pixels, inside = pixel_of(samples.positions * size, width, height)
    alpha = alphas[pixels]
    weights = samples.weights * alpha * (inside & (alpha > SOLID))
    error = depths[pixels] / samples.depths - 1
    losses = torch.nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=huber) / huber
    return (weights * losses).sum() / samples.weights.sum().clamp_min(1e-12)


def normal_term(rendering: Rendering, camera: Camera) -> Tensor:  # scalar
    """Mean of ``alpha - n · N`` with the blended normals n and N of the rendered depth (Huang et al. 2024, eq. 14).

    It is the sum over Gaussians of blending weight times one minus the cosine between their normal and the surface's.
    Both are differentiated.

    Args:
        rendering: of one camera, with normals.
        camera: that it was rendered with.
    """
    assert rendering.normals is not None
    alphas, normals = rendering.alphas[0, :, :, 0], rendering.normals[0]
    depths = rendering.depths[0, :, :, 0]
    slopes = normals_from_depth(depths, camera)
    known = (slopes != 0).any(-1)
    return torch.where(known, alphas - (normals * slopes).sum(-1), 0.0).mean()
