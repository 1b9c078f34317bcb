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

__all__ = ["accumulate", "count_pairs", "dominant", "render"]

# colours, alphas, depths, median depths, features, ids
_Images = tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor | None]


def render(
    gaussians: Gaussians,
    views: Views,
    features: Tensor | None,
    objects: int,  # all ids are below it; 0 = no image of ids
    projected: bool,
) -> Rendering:
    """Render every camera; see :func:`scan2sim.splats.rasterize`."""
    n, cameras = len(gaussians), len(views)
    parameters = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    transforms = _pack(views)
    inputs = [*parameters, features, transforms]
    trained = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in inputs)
    means2d = torch.zeros(cameras, n, 2) if projected or trained else None
    radii = torch.empty(cameras, n) if projected or trained else None
    native_gaussians, native_views = _native_inputs(gaussians, views, transforms, features)
    object_ids = _array(gaussians.object_ids, torch.int32) if objects and gaussians.object_ids is not None else None
    images = (cameras, views.height, views.width)
    if trained:
        assert means2d is not None
        assert radii is not None
        frames = native.Frames(native_gaussians, native_views, means2d, radii)
        means2d.requires_grad_(any(t.requires_grad for t in parameters))
        outputs = _Blend.apply(frames, images, object_ids, objects, *inputs, means2d)
    else:
        outputs = _new_images(images, features, object_ids)
        native.render(native_gaussians, native_views, native.Pictures(*outputs, object_ids, objects), means2d, radii)
    colors, alphas, depths, medians, blended, object_images = outputs
    return Rendering(colors, alphas, depths, medians, blended, means2d, radii, ids=object_images)


def accumulate(gaussians: Gaussians, views: Views, maps: Tensor) -> Tensor:  # (N, F)
    """Sum over pixels of blending weight × ``maps`` (C, H, W, F); see :func:`scan2sim.splats.accumulate`."""
    sums = torch.zeros(len(gaussians), maps.shape[3])
    _frames(gaussians, views).accumulate(_array(maps), sums)
    return sums


def dominant(gaussians: Gaussians, views: Views) -> Tensor:  # (C, H, W) int32
    """Index of the Gaussian with the largest weight of each pixel, -1 where there is none."""
    indices = torch.empty(len(views), views.height, views.width, dtype=torch.int32)
    _frames(gaussians, views).dominant(indices)
    return indices


def count_pairs(gaussians: Gaussians, views: Views) -> tuple[int, int]:
    """Pairs of a Gaussian and a pixel that blending weighs, and those that it draws."""
    return _frames(gaussians, views).count()


def _pack(views: Views) -> Tensor:  # (C, O, 16)
    """camera_from_object as 3×4 rows, the camera's centre, and one unused float, attached to autograd."""
    parts = [views.camera_from_object.flatten(2), views.camera_in_object, views.camera_in_object.new_zeros(1, 1, 1)]
    parts[2] = parts[2].expand(*parts[1].shape[:2], 1)
    return torch.cat(parts, 2).float()


def _array(tensor: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    if tensor.device.type != "cpu":
        raise UsageError(f"the native backend works on the CPU, got a tensor on {tensor.device}", todo="move it there")
    return tensor.detach().to(dtype).contiguous()


def _native_inputs(gaussians: Gaussians, views: Views, transforms: Tensor, features: Tensor | None) -> tuple[Any, Any]:
    ids = gaussians.object_ids if transforms.shape[1] > 1 else None
    native_gaussians = native.Gaussians(
        _array(gaussians.means),
        _array(gaussians.quats),
        _array(gaussians.log_scales),
        _array(gaussians.opacity_logits),
        _array(gaussians.sh),
        None if ids is None else _array(ids, torch.int32),
        None if features is None else _array(features),
    )
    native_views = native.Views(
        _array(transforms),
        views.intrinsics.float(),
        views.width,
        views.height,
        views.sh_degree,
        views.near,
        views.far,
        views.antialiased,
    )
    return native_gaussians, native_views


def _frames(gaussians: Gaussians, views: Views) -> Any:
    """Project and sort; the result holds what blending needs."""
    shape = (len(views), len(gaussians))
    inputs = _native_inputs(gaussians, views, _pack(views), None)
    return native.Frames(*inputs, torch.empty(*shape, 2), torch.empty(*shape))


def _new_images(images: tuple[int, int, int], features: Tensor | None, object_ids: Tensor | None) -> _Images:
    colors = torch.empty(*images, 3)
    alphas, depths, medians = (torch.empty(*images, 1) for _ in range(3))
    blended = None if features is None else torch.empty(*images, features.shape[-1])
    objects = None if object_ids is None else torch.empty(images, dtype=torch.int32)
    return colors, alphas, depths, medians, blended, objects


class _Blend(torch.autograd.Function):
    """Images of projected Gaussians; ``means2d`` is only there to receive a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        frames: Any,
        images: tuple[int, int, int],
        object_ids: Tensor | None,
        objects: int,
        *inputs: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        ctx.set_materialize_grads(False)
        outputs = _new_images(images, inputs[5], object_ids)
        frames.blend(native.Pictures(*outputs, object_ids, objects))
        ctx.frames = frames
        ctx.save_for_backward(outputs[2].detach(), *inputs)
        ctx.mark_non_differentiable(*(t for t in (outputs[3], outputs[5]) if t is not None))
        return outputs

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        depths, *inputs = ctx.saved_tensors
        wanted = ctx.needs_input_grad[4:]
        colors, alphas, from_depths, _, features, _ = (None if g is None else _array(g) for g in grads)
        out = [torch.zeros(t.shape) if want else None for t, want in zip(inputs, wanted, strict=True)]
        only_features = not any(want for i, want in enumerate(wanted) if i != 5)
        if only_features and features is not None and inputs[5].ndim == 2:
            ctx.frames.accumulate(features, out[5])
        else:
            *parameters, of_features, transforms, means2d = out
            images = (colors, alphas, from_depths, features, depths)
            ctx.frames.backward(*images, *parameters, of_features, means2d, transforms)
        return None, None, None, None, *(None if g is None else g.to(t.dtype) for g, t in zip(out, inputs, strict=True))
