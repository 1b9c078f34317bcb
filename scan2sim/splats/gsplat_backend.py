"""The rasterizer of gsplat (Ye et al. 2024): the backend for NVIDIA cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.quaternions import quaternion_product
from scan2sim.splats.rendering import Rendering, Views
from scan2sim.splats.sh import evaluate_sh

__all__ = ["render"]


def render(
    gaussians: Gaussians,
    views: Views,
    features: Tensor | None,
    objects: int,  # all ids are below it; 0 = no image of ids
    projected: bool,
) -> Rendering:
    """Render every camera with ``gsplat.rasterization``; see :func:`scan2sim.splats.rasterize`.

    Objects with poses make a batch of scenes, each moved for its camera and seen by it alone.  Median depths are not
    offered and come as NaN; ``means2d`` and ``radii`` cost nothing here and always come.

    Raises:
        UsageError: gsplat or a CUDA device is missing, or the Gaussians are not on it.
    """
    rasterization = _rasterization(gaussians)
    gaussians = _finite(gaussians)
    channels = 0 if features is None else features.shape[-1]
    extra = None if features is None else features.expand(len(views), -1, -1)
    if objects and gaussians.object_ids is not None:
        one_hot = torch.nn.functional.one_hot(gaussians.object_ids.long(), objects).to(gaussians.means)
        one_hot = one_hot.expand(len(views), -1, -1)
        extra = one_hot if extra is None else torch.cat([extra, one_hot], 2)

    moved = views.world_from_object is not None
    scene = _moved(gaussians, views) if moved else (gaussians.means, gaussians.quats)
    shape = scene[0].shape[:-1]  # (C, N) where objects move, else (N,)
    scales, opacities = gaussians.scales.expand(*shape, 3), gaussians.opacities.expand(shape)
    degree = None if moved or extra is not None else views.sh_degree
    colors = gaussians.sh
    if degree is None:
        colors = _seen_colors(gaussians, views)
        colors = colors if extra is None else torch.cat([colors, extra], 2)  # (C, N, 3 + F + objects)
    viewmats, matrices = _cameras(gaussians, views)
    images, alphas, info = rasterization(
        *(*scene, scales, opacities, colors),
        viewmats=viewmats[:, None] if moved else viewmats,
        Ks=matrices[:, None] if moved else matrices,
        width=views.width,
        height=views.height,
        near_plane=views.near,
        far_plane=views.far,
        sh_degree=degree,
        packed=False,
        render_mode="RGB+ED",
        rasterize_mode="antialiased" if views.antialiased else "classic",
    )
    if info["means2d"].requires_grad:
        info["means2d"].retain_grad()
    means2d, radii = info["means2d"], info["radii"].amax(-1).to(gaussians.means.dtype)
    if moved:  # one camera for each scene of the batch
        images, alphas, means2d, radii = images[:, 0], alphas[:, 0], means2d[:, 0], radii[:, 0]
    weights = images[..., 3 + channels : -1]
    largest = weights.max(-1) if objects else None
    return Rendering(
        colors=images[..., :3],
        alphas=alphas,
        depths=images[..., -1:],
        median_depths=torch.full_like(alphas, torch.nan),
        features=images[..., 3 : 3 + channels] if channels else None,
        means2d=means2d,
        radii=radii,
        ids=None if largest is None else torch.where(largest.values > 0.5, largest.indices, 0).to(torch.int32),
    )


def _rasterization(gaussians: Gaussians) -> Callable[..., tuple[Tensor, Tensor, dict[str, Tensor]]]:
    if not torch.cuda.is_available():
        raise UsageError("backend gsplat needs an NVIDIA card that torch can use", todo="use backend native")
    try:
        from gsplat import rasterization  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError("gsplat is not installed", todo="pip install 'scan2sim[cuda]'") from None
    if gaussians.means.device.type != "cuda":
        raise UsageError("backend gsplat needs Gaussians on the card", todo="move them there with gaussians.to('cuda')")
    return rasterization


def _finite(gaussians: Gaussians) -> Gaussians:
    """Gaussians with a value that is not finite, or with a quaternion of zeros, made harmless and transparent."""
    usable = gaussians.finite & (gaussians.quats.detach().norm(dim=1) > 1e-12)
    column = usable[:, None]
    unit = torch.tensor([1.0, 0.0, 0.0, 0.0]).to(gaussians.quats)
    return replace(
        gaussians,
        means=torch.where(column, gaussians.means, 0.0),
        quats=torch.where(column, gaussians.quats, unit),
        log_scales=torch.where(column, gaussians.log_scales, 0.0),
        opacity_logits=torch.where(usable, gaussians.opacity_logits, -100.0),
        sh=torch.where(column[..., None], gaussians.sh, 0.0),
    )


def _moved(gaussians: Gaussians, views: Views) -> tuple[Tensor, Tensor]:  # (C, N, 3), (C, N, 4)
    """Means and quaternions of every object where each camera's pose puts it."""
    assert views.world_from_object is not None
    rows = views.rows(gaussians)
    poses = views.world_from_object.to(gaussians.means)[:, rows]  # (C, N, 4, 4)
    means = torch.einsum("cnij,nj->cni", poses[..., :3, :3], gaussians.means) + poses[..., :3, 3]
    return means, quaternion_product(_quaternions(views.world_from_object).to(means)[:, rows], gaussians.quats)


def _quaternions(matrices: Tensor) -> Tensor:  # (C, O, 4, 4) to (C, O, 4) wxyz, not unit
    """Each row of 4 q qᵀ is the quaternion times one of its parts; the row of the largest part is the safest."""
    r = matrices[..., :3, :3].flatten(-2)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = r.unbind(-1)
    rows = [
        torch.stack([1 + xx + yy + zz, zy - yz, xz - zx, yx - xy], -1),
        torch.stack([zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx], -1),
        torch.stack([xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy], -1),
        torch.stack([yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz], -1),
    ]
    products = torch.stack(rows, -2)
    largest = products.detach().diagonal(dim1=-2, dim2=-1).argmax(-1)
    return products.take_along_dim(largest[..., None, None], -2)[..., 0, :]


def _seen_colors(gaussians: Gaussians, views: Views) -> Tensor:  # (C, N, 3)
    """Colours along each camera's rays, which are taken in the objects' frames."""
    centres = views.camera_in_object.to(gaussians.means)[:, views.rows(gaussians)]
    directions = torch.nn.functional.normalize(gaussians.means - centres, dim=-1)
    return torch.stack([evaluate_sh(gaussians.sh, one, views.sh_degree) for one in directions])


def _cameras(gaussians: Gaussians, views: Views) -> tuple[Tensor, Tensor]:  # (C, 4, 4), (C, 3, 3)
    like = gaussians.means
    camera_from_world = views.camera_from_object[:, 0]
    if views.world_from_object is not None:
        object_from_world = torch.linalg.inv(views.world_from_object[:, 0])
        camera_from_world = camera_from_world @ object_from_world
    last = camera_from_world.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(views), 1, 4)
    matrices = torch.zeros(len(views), 3, 3, dtype=torch.float64)
    matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 2], matrices[:, 1, 2] = views.intrinsics.unbind(1)
    matrices[:, 2, 2] = 1
    return torch.cat([camera_from_world, last], 1).to(like), matrices.to(like)
