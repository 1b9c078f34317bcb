"""Gaussians seen by cameras: one meaning, that of gsplat's ``rasterization``, and three backends behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from scan2sim.cameras import Camera
from scan2sim.errors import UsageError
from scan2sim.splats import gsplat_backend, native_backend, torch_backend
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.normals import facing_normals
from scan2sim.splats.rendering import Rendering, make_views

__all__ = ["Backend", "accumulate", "count_pairs", "dominant", "rasterize"]

MAX_OBJECTS = 4096
Backend = Literal["auto", "native", "torch", "gsplat"]
_RENDER = {"native": native_backend.render, "torch": torch_backend.render, "gsplat": gsplat_backend.render}


def rasterize(
    gaussians: Gaussians,
    cameras: Sequence[Camera],  # C, all of one image size
    *,
    poses: Tensor | None = None,  # (C, O, 4, 4) world_from_object, row k for the Gaussians with object_ids == k
    world_from_camera: Tensor | None = None,  # (C, 4, 4) in place of the cameras' own
    features: Tensor | None = None,  # (N, F) or (C, N, F) blended like colours
    normals: bool = False,  # whether to blend normals
    ids: bool = False,  # whether to tell the object of each pixel
    projected: bool = True,  # whether to return means2d and radii; they always come where gradients are tracked
    backgrounds: Tensor | None = None,  # (3,), (C, 3) or (C, H, W, 3)
    sh_degree: int | None = None,  # bands in use, default all
    near: float = 0.01,  # [m] along z
    far: float = 1e10,  # [m]
    antialiased: bool = False,  # Mip-Splatting's opacity compensation (Yu et al. 2024)
    backend: Backend = "auto",
) -> Rendering:
    """Render Gaussians by EWA splatting (Zwicker et al. 2001, Kerbl et al. 2023) with gradients.

    Per Gaussian and camera: mean and covariance are projected with the Jacobian at the mean (clamped 15 % of the image
    outside of it), 0.3 px² are added to the covariance, and the colour is ``max(0, Σ Y_k(direction) sh_k + 1/2)``.
    Per pixel, with its centre at +0.5, by increasing depth: ``alpha = min(0.999, opacity exp(-½ dᵀ Σ⁻¹ d))``, skipped
    below 1/255, blended until the transmittance would fall to 1e-4.

    With ``poses`` the Gaussians of an object lie in the object's frame and are placed per camera: a batch of cameras
    can look at a batch of states of one scene without copies.

    A Gaussian's normal is its shortest axis, turned towards the camera, in the world (Huang et al. 2024, "2D Gaussian
    Splatting"); blended like a colour and not normalised.

    Gradients flow to all parameters of the Gaussians, to ``features``, ``backgrounds``, ``poses`` and
    ``world_from_camera``.  If only ``features`` requires a gradient, only its cheap part is computed.  After
    ``backward()``, ``rendering.means2d.grad`` holds the gradient in the projected means, as densification wants it.

    Gaussians with values that are not finite are not drawn.

    Args:
        backend: ``native`` (C++, CPU), ``torch`` (slow reference), ``gsplat`` (CUDA); ``auto`` takes gsplat for
            tensors on a card, else native.

    Raises:
        UsageError: arguments that do not fit together, or a backend that cannot work here.
    """
    views = make_views(gaussians, cameras, poses, world_from_camera, sh_degree, near, far, antialiased)
    _check_features(features, len(gaussians), len(views))
    objects = _count_objects(gaussians) if ids else 0
    channels = 0 if features is None else features.shape[-1]
    if normals:
        facing = facing_normals(gaussians, views)
        features = facing if features is None else torch.cat([features.expand(len(views), -1, -1), facing], 2)
    rendering = _RENDER[_choose(backend, gaussians)](gaussians, views, features, objects, projected)
    if normals:
        blended = rendering.features
        assert blended is not None
        only = blended[..., :channels] if channels else None
        rendering = replace(rendering, features=only, normals=blended[..., channels:])
    if backgrounds is None:
        return rendering
    colors = rendering.colors + (1 - rendering.alphas) * _broadcast(backgrounds, rendering.colors)
    return replace(rendering, colors=colors)


def accumulate(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    maps: Tensor,  # (C, H, W, F)
    *,
    poses: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor:  # (N, F)
    """Sum over all pixels of blending weight × map value, per Gaussian: how images are lifted onto a scene.

    It equals the gradient of ``Σ maps * rasterize(…, features=f).features`` in f.

    Raises:
        UsageError: as :func:`rasterize`, or maps of another size than the images.
    """
    views = make_views(gaussians, cameras, poses)
    expected = (len(views), views.height, views.width)
    if maps.ndim != 4 or tuple(maps.shape[:3]) != expected or maps.shape[3] == 0:
        raise UsageError(f"maps: got shape {tuple(maps.shape)}, expected {(*expected, 'channels')}")
    gaussians, chosen = gaussians.detached(), _choose(backend, gaussians)
    if chosen == "native":
        return native_backend.accumulate(gaussians, views, maps)
    features = gaussians.means.new_zeros(len(gaussians), maps.shape[3]).requires_grad_()
    with torch.enable_grad():
        blended = _RENDER[chosen](gaussians, views, features, 0, False).features
        assert blended is not None
        return torch.autograd.grad((blended * maps.detach().to(blended)).sum(), features)[0]


def dominant(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    *,
    poses: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor:  # (C, H, W) int32
    """Index of the Gaussian with the largest blending weight of each pixel, -1 where nothing is drawn.

    Raises:
        UsageError: as :func:`rasterize`; gsplat does not offer this.
    """
    views = make_views(gaussians, cameras, poses)
    chosen = _choose(backend, gaussians)
    if chosen == "gsplat":
        raise UsageError("dominant is not offered by gsplat", todo="move the Gaussians to the CPU")
    return native_backend.dominant(gaussians, views) if chosen == "native" else torch_backend.dominant(gaussians, views)


def count_pairs(gaussians: Gaussians, cameras: Sequence[Camera]) -> tuple[int, int]:
    """How many pairs of a Gaussian and a pixel the native backend weighs for these images, and how many it draws.

    Raises:
        UsageError: as :func:`rasterize`.
    """
    return native_backend.count_pairs(gaussians, make_views(gaussians, cameras))


def _check_features(features: Tensor | None, gaussians: int, cameras: int) -> None:
    if features is None:
        return
    shape = tuple(features.shape)
    if shape[:-1] not in ((gaussians,), (cameras, gaussians)):
        raise UsageError(f"features: got shape {shape}, expected ({gaussians}, F) or ({cameras}, {gaussians}, F)")
    if shape[-1] == 0:
        raise UsageError("features have no channels; leave them out")


def _count_objects(gaussians: Gaussians) -> int:
    """One more than the largest id, and at least 1."""
    if gaussians.object_ids is None:
        raise UsageError("ids were asked for, but the Gaussians have no object_ids", todo="set them with with_ids")
    low, high = (int(bound) for bound in gaussians.object_ids.aminmax()) if len(gaussians) else (0, 0)
    if not 0 <= low <= high < MAX_OBJECTS:
        raise UsageError(f"object_ids outside of 0..{MAX_OBJECTS - 1}", todo="number the objects from 0")
    return 1 + high


def _choose(backend: Backend, gaussians: Gaussians) -> Literal["native", "torch", "gsplat"]:
    if backend == "auto":
        return "gsplat" if gaussians.means.device.type == "cuda" else "native"
    if backend not in _RENDER:
        raise UsageError(f"backend {backend!r}, expected auto, native, torch or gsplat")
    return backend


def _broadcast(backgrounds: Tensor, colors: Tensor) -> Tensor:
    """(3,), (C, 3) or (C, H, W, 3) to something that adds to colours (C, H, W, 3)."""
    shape = tuple(backgrounds.shape)
    if shape == (3,) or shape == tuple(colors.shape):
        return backgrounds
    if shape == (len(colors), 3):
        return backgrounds[:, None, None]
    raise UsageError(f"backgrounds: got shape {shape}, expected (3,), ({len(colors)}, 3) or {tuple(colors.shape)}")
