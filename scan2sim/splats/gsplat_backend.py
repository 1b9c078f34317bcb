"""The rasterizer of gsplat (Ye et al. 2024): the backend for NVIDIA cards."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.errors import UsageError
from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.rendering import Rendering, Views

__all__ = ["render"]


def render(gaussians: Gaussians, views: Views, features: Tensor | None) -> Rendering:
    """Render every camera with ``gsplat.rasterization``; see :func:`scan2sim.splats.rasterize`.

    Raises:
        UsageError: gsplat or a CUDA device is missing, the Gaussians are not on it, or poses of objects were given.
    """
    if not torch.cuda.is_available():
        raise UsageError("backend gsplat needs an NVIDIA card that torch can use", todo="use backend native")
    try:
        from gsplat import rasterization  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError("gsplat is not installed", todo="pip install 'scan2sim[cuda]'") from None
    if gaussians.means.device.type != "cuda":
        raise UsageError("backend gsplat needs Gaussians on the card", todo="move them there with gaussians.to('cuda')")
    if views.camera_from_object.shape[1] > 1:
        raise UsageError("backend gsplat takes no object poses", todo="use backend native, or move the Gaussians first")

    like = gaussians.means
    viewmats = torch.eye(4).repeat(len(views), 1, 1)
    viewmats[:, :3] = views.camera_from_object[:, 0]
    matrices = torch.zeros(len(views), 3, 3, dtype=torch.float64)
    matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 2], matrices[:, 1, 2] = views.intrinsics.unbind(1)
    matrices[:, 2, 2] = 1
    scene = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities)
    camera = {
        "viewmats": viewmats.to(like),
        "Ks": matrices.to(like),
        "width": views.width,
        "height": views.height,
        "near_plane": views.near,
        "far_plane": views.far,
        "packed": False,
        "rasterize_mode": "antialiased" if views.antialiased else "classic",
    }
    images, alphas, info = rasterization(
        *scene, gaussians.sh, sh_degree=views.sh_degree, render_mode="RGB+ED", **camera
    )
    if info["means2d"].requires_grad:
        info["means2d"].retain_grad()
    blended = None if features is None else rasterization(*scene, features, **camera)[0]
    return Rendering(
        colors=images[..., :3],
        alphas=alphas,
        depths=images[..., 3:],
        median_depths=torch.full_like(alphas, torch.nan),
        features=blended,
        means2d=info["means2d"],
        radii=info["radii"].amax(-1).to(like.dtype),
    )
