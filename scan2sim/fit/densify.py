"""Where Gaussians are added and removed during training."""

from __future__ import annotations

import torch
from torch import Tensor

from scan2sim.fit.parameters import Parameters
from scan2sim.fit.photos import Photo
from scan2sim.splats import accumulate, rasterize

__all__ = ["error_scores", "prune_and_split"]

SPLIT_SCALE = 0.5  # of the long axis, for each of the two children
SPLIT_OFFSET = 0.5  # standard deviations of the parent from its centre
SPLIT_OTHER = 0.9  # of the other two axes
SPLIT_OPACITY = 1.0  # of the parent
MAX_SHARE = 0.5  # of all Gaussians that are split in one go


def error_scores(
    parameters: Parameters,
    photos: list[Photo],
    factor: int,
    apply_exposure: list[Tensor],  # per photo (2, 3): log gain and offset
) -> Tensor:  # (N,)
    """How much of the photos' error each Gaussian painted.

    The absolute difference of each pixel is shared out by blending weight, then summed over pixels and photos
    (Rota Bulò et al. 2024, "Revising Densification in Gaussian Splatting", section 3.1).
    """
    scores = torch.zeros(len(parameters))
    with torch.no_grad():
        gaussians = parameters.gaussians.detached()
        for photo, (gain, offset) in zip(photos, apply_exposure, strict=True):
            image, camera = photo.view(factor)
            rendered = rasterize(gaussians, [camera]).colors[0] * gain.exp() + offset
            error = (rendered - image).abs().mean(-1)
            # pixels of a reduced photo stand for factor² pixels
            scores += accumulate(gaussians, [camera], error[None, :, :, None])[:, 0] * factor**2
    return scores


def prune_and_split(
    parameters: Parameters,
    scores: Tensor,  # (N,)
    target: int,
    min_opacity: float,
    generator: torch.Generator,
) -> None:
    """Remove what is transparent or not finite, then split along the longest axis until there are ``target``.

    Parents are drawn without replacement with probability proportional to their score.  Two children, half as
    long, take a parent's place half a standard deviation to both sides of its centre.
    """
    with torch.no_grad():
        gaussians = parameters.gaussians.detached()
        finite = torch.stack(
            [t.detach().flatten(1).isfinite().all(1) for t in parameters.tensors.values() if t.ndim > 1]
        )
        keep = (gaussians.opacities > min_opacity) & finite.all(0) & gaussians.opacity_logits.isfinite()
        alive = keep.nonzero()[:, 0]
        weights = scores[alive].double().clamp_min(0)
        count = min(target - len(alive), int(MAX_SHARE * len(alive)), int((weights > 0).sum()))
        if count <= 0:
            parameters.replace(alive, {}, torch.zeros(len(alive), dtype=torch.bool))
            return
        # Efraimidis & Spirakis 2006: the largest keys u^(1/w) are a weighted draw without replacement
        uniform = torch.rand(len(alive), generator=generator, dtype=torch.float64)
        keys = torch.where(weights > 0, uniform.log() / weights.clamp_min(1e-300), -torch.inf)
        parents = alive[keys.topk(count).indices].sort().values
        source = torch.cat([alive, parents])
        is_parent = torch.zeros(len(gaussians), dtype=torch.bool)
        is_parent[parents] = True
        split = is_parent[source]
        sign = torch.ones(len(source))
        sign[len(alive) :] = -1

        scales = gaussians.scales[source]
        long_axis = torch.nn.functional.one_hot(scales.argmax(1), 3).to(scales.dtype)
        along = _rotate(gaussians.quats[source], long_axis * scales) * SPLIT_OFFSET
        means = gaussians.means[source] + along * (sign * split)[:, None]
        shrink = long_axis * SPLIT_SCALE + (1 - long_axis) * SPLIT_OTHER
        log_scales = gaussians.log_scales[source] + shrink.log() * split[:, None]
        opacities = gaussians.opacities[source] * torch.where(split, SPLIT_OPACITY, 1.0)
        opacities = opacities.clamp(1e-6, 1 - 1e-6)
        logits = torch.where(split, (opacities / (1 - opacities)).log(), gaussians.opacity_logits[source])
        parameters.replace(source, {"means": means, "log_scales": log_scales, "opacity_logits": logits}, split)


def _rotate(quats: Tensor, vectors: Tensor) -> Tensor:  # (N, 4) wxyz, (N, 3) to (N, 3)
    quats = torch.nn.functional.normalize(quats, dim=1)
    w, axis = quats[:, :1], quats[:, 1:]
    cross = torch.linalg.cross(axis, vectors)
    return vectors + 2 * (w * cross + torch.linalg.cross(axis, cross))
