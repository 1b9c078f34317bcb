"""The rasterizer in torch: slow, differentiable in any precision; the reference for the other backends.

EWA projection (Zwicker et al. 2001) and front-to-back blending (Kerbl et al. 2023) with the constants and the order
of operations of gsplat.  No tiles: every Gaussian is weighed at every pixel of a band of rows that its box touches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from scan2sim.splats.gaussians import Gaussians
from scan2sim.splats.quaternions import rotation_matrices
from scan2sim.splats.rendering import Rendering, Views
from scan2sim.splats.sh import evaluate_sh

__all__ = ["dominant", "render"]

BLUR = 0.3  # low-pass added to the projected covariance [px²]
MAX_ALPHA = 0.999
MIN_ALPHA = 1.0 / 255.0
MIN_TRANSMITTANCE = 1e-4
PAIRS_AT_ONCE = 4_000_000  # pixels × Gaussians


@dataclass(frozen=True)
class _Splats:
    """The M Gaussians that one camera sees, by depth."""

    ids: Tensor  # (M,)
    means2d: Tensor  # (M, 2) [pixels]
    conics: Tensor  # (M, 3) inverse covariance xx, xy, yy
    opacities: Tensor  # (M,)
    depths: Tensor  # (M,) [m]
    channels: Tensor  # (M, 3 + F) colours and features
    half_heights: Tensor  # (M,) [pixels], whole numbers


def render(
    gaussians: Gaussians,
    views: Views,
    features: Tensor | None,
    objects: int,  # all ids are below it; 0 = no image of ids
    projected: bool,
) -> Rendering:
    """Render every camera; see :func:`scan2sim.splats.rasterize`."""
    n, device = len(gaussians), gaussians.means.device
    images, radii, object_images = [], [], []
    means2d = torch.zeros(len(views), n, 2, dtype=gaussians.means.dtype, device=device)
    means2d.requires_grad_(torch.is_grad_enabled() and gaussians.means.requires_grad)
    for camera in range(len(views)):
        shared = features is None or features.ndim == 2
        mine = features if features is None or shared else features[camera]
        splats, radius = _project(gaussians, views, camera, mine, means2d[camera])
        images.append(_by_rows(splats, views, _blend))
        if objects and gaussians.object_ids is not None:
            object_images.append(_object_ids(splats, views, gaussians.object_ids, objects))
        radii.append(radius)
        with torch.no_grad():
            means2d[camera, splats.ids] = splats.means2d
    joined = [torch.stack(parts).unflatten(1, (views.height, views.width)) for parts in zip(*images, strict=True)]
    blended, alphas, depths, medians = joined
    return Rendering(
        colors=blended[..., :3],
        alphas=alphas[..., None],
        depths=depths[..., None],
        median_depths=medians[..., None],
        features=None if features is None else blended[..., 3:],
        means2d=means2d if projected or means2d.requires_grad else None,
        radii=torch.stack(radii) if projected or means2d.requires_grad else None,
        ids=torch.stack(object_images) if object_images else None,
    )


def dominant(gaussians: Gaussians, views: Views) -> Tensor:  # (C, H, W) int32
    """Index of the Gaussian with the largest weight of each pixel, -1 where there is none."""
    gaussians = gaussians.detached()
    zeros = torch.zeros(len(gaussians), 2, dtype=gaussians.means.dtype, device=gaussians.means.device)
    images = []
    for camera in range(len(views)):
        splats, _ = _project(gaussians, views, camera, None, zeros)
        images.append(_by_rows(splats, views, _pick_largest)[0].unflatten(0, (views.height, views.width)))
    return torch.stack(images)


@torch.no_grad()
def _object_ids(splats: _Splats, views: Views, object_ids: Tensor, objects: int) -> Tensor:  # (H, W) int32
    """The object whose summed weight is over 1/2, else 0."""

    def pick(splats: _Splats, pixels: Tensor) -> tuple[Tensor]:
        selected = object_ids[splats.ids].long()
        sums = pixels.new_zeros(len(pixels), objects).index_add(1, selected, _weights(splats, pixels)[0])
        largest, index = sums.max(1)
        return (torch.where(largest > 0.5, index, 0).to(torch.int32),)

    return _by_rows(splats, views, pick)[0].unflatten(0, (views.height, views.width))


def _project(
    gaussians: Gaussians, views: Views, camera: int, features: Tensor | None, offsets: Tensor
) -> tuple[_Splats, Tensor]:
    """Splats by depth, and the radii of all Gaussians (N,).

    ``offsets`` (N, 2) are zeros added to the projected means, so that their gradient can be asked for.
    """
    like = gaussians.means
    fx, fy, cx, cy = views.intrinsics[camera].tolist()
    rows = views.rows(gaussians)
    transforms = views.camera_from_object[camera].to(like)[rows]  # (N, 3, 4)
    turn = transforms[:, :, :3]
    means = torch.einsum("nij,nj->ni", turn, gaussians.means) + transforms[:, :, 3]

    with torch.no_grad():
        harmonics = gaussians.sh[:, : (views.sh_degree + 1) ** 2].flatten(1)
        geometry = [gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits[:, None]]
        parameters = torch.cat([*geometry, harmonics], 1)
        usable = torch.isfinite(parameters).all(1) & (gaussians.quats.norm(dim=1) > 1e-12)
        usable &= (means[:, 2] >= views.near) & (means[:, 2] <= views.far)
        ids = usable.nonzero()[:, 0]

    x, y, z = means[ids].unbind(1)
    margin_x, margin_y = 0.15 * views.width / fx, 0.15 * views.height / fy
    u = (x / z).clamp(-cx / fx - margin_x, (views.width - cx) / fx + margin_x)
    v = (y / z).clamp(-cy / fy - margin_y, (views.height - cy) / fy + margin_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([fx / z, zero, -fx * u / z, zero, fy / z, -fy * v / z], 1).unflatten(1, (2, 3))
    m = jacobian @ turn[ids] @ (rotation_matrices(gaussians.quats[ids]) * gaussians.scales[ids][:, None, :])
    xx, xy, yy = (m[:, 0] ** 2).sum(1), (m[:, 0] * m[:, 1]).sum(1), (m[:, 1] ** 2).sum(1)
    det0 = (torch.linalg.cross(m[:, 0], m[:, 1]) ** 2).sum(1)  # det(m mᵀ) without cancellation
    det = det0 + BLUR * (xx + yy + BLUR)
    xx, yy = xx + BLUR, yy + BLUR
    means2d = torch.stack([fx * x / z + cx, fy * y / z + cy], 1) + offsets[ids]
    opacities = gaussians.opacities[ids]
    if views.antialiased:
        opacities = opacities * (det0 / det).sqrt()
    centres = views.camera_in_object[camera].to(like)[rows[ids]]
    directions = torch.nn.functional.normalize(gaussians.means[ids] - centres, dim=1)
    channels = evaluate_sh(gaussians.sh[ids], directions, views.sh_degree)

    with torch.no_grad():
        extent = (2 * (opacities / MIN_ALPHA).clamp_min(1.0).log()).sqrt()
        half_width, half_height = (extent * xx.sqrt()).ceil(), (extent * yy.sqrt()).ceil()
        drawn = (opacities >= MIN_ALPHA) & (det > 0) & (det < 1e37)
        drawn &= (means2d[:, 0] + half_width > 0) & (means2d[:, 0] - half_width < views.width)
        drawn &= (means2d[:, 1] + half_height > 0) & (means2d[:, 1] - half_height < views.height)
        kept = drawn.nonzero()[:, 0]
        kept = kept[torch.sort(z[kept], stable=True).indices]
        radii = torch.zeros_like(like[:, 0])
        radii[ids[kept]] = torch.maximum(half_width, half_height)[kept]
    if features is not None:
        channels = torch.cat([channels, features[ids]], 1)
    conics = torch.stack([yy / det, -xy / det, xx / det], 1)
    splats = _Splats(ids, means2d, conics, opacities, z, channels, half_height)
    return _select(splats, kept), radii


def _select(splats: _Splats, index: Tensor) -> _Splats:
    return _Splats(**{name: value[index] for name, value in vars(splats).items()})


def _by_rows(
    splats: _Splats, views: Views, work: Callable[[_Splats, Tensor], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    """Call ``work(splats, pixels)`` for bands of rows with the splats that touch them and join the parts."""
    step = max(1, PAIRS_AT_ONCE // (views.width * max(1, len(splats.ids))))
    top, bottom = splats.means2d[:, 1] - splats.half_heights, splats.means2d[:, 1] + splats.half_heights
    parts = []
    for first in range(0, views.height, step):
        last = min(first + step, views.height)
        like = {"dtype": splats.means2d.dtype, "device": splats.means2d.device}
        pixels = torch.cartesian_prod(torch.arange(first, last, **like), torch.arange(views.width, **like)) + 0.5
        mine = _select(splats, ((bottom >= first) & (top <= last)).nonzero()[:, 0])
        if torch.is_grad_enabled() and step < views.height:
            parts.append(checkpoint(work, mine, pixels.flip(1), use_reentrant=False))
        else:
            parts.append(work(mine, pixels.flip(1)))
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _weights(splats: _Splats, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Blending weights (P, M), and the transmittance after each Gaussian if it were drawn (P, M)."""
    dx, dy = (pixels[:, None, :] - splats.means2d[None]).unbind(2)
    a, b, c = splats.conics.unbind(1)
    sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
    alphas = (splats.opacities * torch.exp(-sigma)).clamp_max(MAX_ALPHA)
    alphas = torch.where((alphas >= MIN_ALPHA) & (sigma >= 0), alphas, 0.0)
    after = torch.cumprod(1 - alphas, 1)
    before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], 1)[:, : after.shape[1]]
    # the first Gaussian that would leave too little is not drawn, nor is any behind it
    return torch.where(after > MIN_TRANSMITTANCE, alphas * before, 0.0), after


def _blend(splats: _Splats, pixels: Tensor) -> tuple[Tensor, ...]:
    """Channels (P, 3 + F), alphas, expected and median depths (P,)."""
    weights, after = _weights(splats, pixels)
    alphas = weights.sum(1)
    seen = alphas > 0
    depths = torch.where(seen, weights @ splats.depths / torch.where(seen, alphas, 1.0), 0.0)
    medians = torch.zeros_like(alphas)
    if len(splats.ids):
        crossed = (after < 0.5) & (weights > 0)
        first = crossed.to(torch.int8).argmax(1)
        medians = torch.where(crossed.any(1), splats.depths.detach()[first], 0.0)
    return weights @ splats.channels, alphas, depths, medians


def _pick_largest(splats: _Splats, pixels: Tensor) -> tuple[Tensor]:
    """Index (P,) of the splat with the largest weight."""
    if not len(splats.ids):
        return (torch.full_like(pixels[:, 0], -1, dtype=torch.int32),)
    largest, index = _weights(splats, pixels)[0].max(1)
    return (torch.where(largest > 0, splats.ids[index], -1).to(torch.int32),)
