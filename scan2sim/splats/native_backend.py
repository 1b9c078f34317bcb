"""The rasterizer in C++ (SIMD and threads): the backend for CPUs.

The kernels live in ``native/``; this file hands them contiguous float32 tensors and ties them into autograd.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scan2sim.errors import UsageError
from scan2sim.splats.compiled import native
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.rendering import Rendering, Views

__all__ = ["accumulate", "dominant", "render"]


def render(gaussians: Gaussians, views: Views, features: Tensor | None) -> Rendering:
    """Render every camera; see :func:`scan2sim.splats.rasterize`."""
    n, images = len(gaussians), (len(views), views.height, views.width)
    means2d = torch.zeros(len(views), n, 2)
    radii = torch.empty(len(views), n)
    parameters = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    inputs = [*parameters, features]
    trained = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in inputs)
    frames = _frames(gaussians, views, features, means2d, radii)
    if trained:
        means2d.requires_grad_(any(t.requires_grad for t in parameters))
        outputs = _Blend.apply(frames, images, *inputs, means2d)
    else:
        outputs = _blend(frames, images, features, keep=False)
    colors, alphas, depths, medians, blended = outputs
    return Rendering(colors, alphas, depths, medians, blended, means2d, radii)


def accumulate(gaussians: Gaussians, views: Views, maps: Tensor) -> Tensor:  # (N, F)
    """Sum over pixels of blending weight × ``maps`` (C, H, W, F); see :func:`scan2sim.splats.accumulate`."""
    sums = torch.zeros(len(gaussians), maps.shape[3])
    _frames(gaussians, views, None).accumulate(_array(maps), sums)
    return sums


def dominant(gaussians: Gaussians, views: Views) -> Tensor:  # (C, H, W) int32
    """Index of the Gaussian with the largest weight of each pixel, -1 where there is none."""
    indices = torch.empty(len(views), views.height, views.width, dtype=torch.int32)
    _frames(gaussians, views, None).dominant(indices)
    return indices


def _array(tensor: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    if tensor.device.type != "cpu":
        raise UsageError(f"the native backend works on the CPU, got a tensor on {tensor.device}", todo="move it there")
    return tensor.detach().to(dtype).contiguous()


def _frames(
    gaussians: Gaussians,
    views: Views,
    features: Tensor | None,
    means2d: Tensor | None = None,
    radii: Tensor | None = None,
) -> Any:
    """Project and sort; the result holds what blending and the gradient need."""
    objects = views.camera_from_object.shape[1]
    ids = gaussians.object_ids if objects > 1 else None
    packed = torch.zeros(len(views), objects, 16)
    packed[..., :12] = views.camera_from_object.flatten(2)
    packed[..., 12:15] = views.camera_in_object
    shape = (len(views), len(gaussians))
    return native.Frames(
        native.Gaussians(
            _array(gaussians.means),
            _array(gaussians.quats),
            _array(gaussians.log_scales),
            _array(gaussians.opacity_logits),
            _array(gaussians.sh),
            None if ids is None else _array(ids, torch.int32),
            None if features is None else _array(features),
        ),
        native.Views(
            packed,
            views.intrinsics.float(),
            views.width,
            views.height,
            views.sh_degree,
            views.near,
            views.far,
            views.antialiased,
        ),
        torch.empty(*shape, 2) if means2d is None else means2d,
        torch.empty(*shape) if radii is None else radii,
    )


def _blend(
    frames: Any, images: tuple[int, int, int], features: Tensor | None, keep: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    colors = torch.empty(*images, 3)
    alphas, depths, medians = (torch.empty(*images, 1) for _ in range(3))
    blended = None if features is None else torch.empty(*images, features.shape[1])
    frames.blend(colors, alphas, depths, medians, blended, keep)
    return colors, alphas, depths, medians, blended


class _Blend(torch.autograd.Function):
    """Images of projected Gaussians; ``means2d`` is only there to receive a gradient."""

    @staticmethod
    def forward(
        ctx: Any, frames: Any, images: tuple[int, int, int], *inputs: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        ctx.set_materialize_grads(False)
        outputs = _blend(frames, images, inputs[5], keep=True)
        ctx.frames = frames
        ctx.save_for_backward(outputs[2].detach(), *inputs)
        ctx.mark_non_differentiable(outputs[3])
        return outputs

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        depths, *inputs = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:]
        colors, alphas, from_depths, _, features = (None if g is None else _array(g) for g in grads)
        out = [torch.zeros(t.shape) if want else None for t, want in zip(inputs, wanted, strict=True)]
        if any(wanted[i] for i in (0, 1, 2, 3, 4, 6)):
            ctx.frames.backward(colors, alphas, from_depths, features, depths, *out)
        elif features is not None:
            ctx.frames.accumulate(features, out[5])
        return None, None, *(None if g is None else g.to(t.dtype) for g, t in zip(out, inputs, strict=True))
