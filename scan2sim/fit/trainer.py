"""Photos with cameras become Gaussians: the training loop."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from scan2sim.errors import FitError
from scan2sim.fit.checkpoint import load_checkpoint, save_checkpoint
from scan2sim.fit.config import FitConfig
from scan2sim.fit.densify import error_scores, prune_and_split
from scan2sim.fit.exposure import Exposure
from scan2sim.fit.held_out import judge, split_held_out
from scan2sim.fit.initialize import initial_gaussians
from scan2sim.fit.parameters import Parameters
from scan2sim.fit.photos import Photo, load_photos
from scan2sim.fit.result import FitResult, save_fit
from scan2sim.poses import PosedCapture
from scan2sim.progress import Reporter, silent
from scan2sim.splats import photometric_loss, rasterize

__all__ = ["train"]

MIN_TRAINING_PHOTOS = 3


def train(
    posed: PosedCapture,
    folder: Path,
    config: FitConfig = FitConfig(),  # noqa: B008  (frozen)
    report: Reporter = silent,
) -> FitResult:
    """Train Gaussians on a posed capture and judge them on photos that were held out.

    Writes ``splats.ply``, ``fit.json`` and ``held-out/`` into ``folder``, and a checkpoint every
    ``config.checkpoint_seconds``; if there is one of the same configuration, training goes on from it and ends
    as it would have ended undisturbed.

    Loss: ``(1 - w) |render - photo| + w (1 - SSIM)`` after each photo's own gain and offset (Kerbl et al. 2023), plus
    small weights: on opacity and scale (Kheradmand et al. 2024, "3D Gaussian Splatting as MCMC"), on the shortest axis,
    which turns blobs into discs on the surface (Chen et al. 2024, "PGSR", section 3.1), and, later, on opacities that
    are neither 0 nor 1 (Guédon & Lepetit 2024, "SuGaR", section 4.1).

    Raises:
        FitError: a photo cannot be read, there are too few photos or points, or training diverged.
    """
    factors = tuple(sorted({factor for _, factor in config.coarse_to_fine}))
    training_frames, held_out_frames = split_held_out(posed.frames, config.hold_out_every)
    if len(training_frames) < MIN_TRAINING_PHOTOS:
        raise FitError(
            f"{len(training_frames)} photos to train on; at least {MIN_TRAINING_PHOTOS} are needed",
            todo="add photos or hold out fewer",
        )
    photos = load_photos(training_frames, config.max_size, factors)
    size = posed.camera_distance
    parameters = Parameters(initial_gaussians(posed, config.sh_degree, config.max_gaussians, config.seed), config, size)
    exposure = Exposure(len(photos), config.exposure_rate)
    first = 0
    if saved := load_checkpoint(folder, config):
        first, state = saved
        parameters.load_state(state)
        exposure.load_state(state)

    first_count = len(parameters)
    saved_at = time.monotonic()
    for step in range(first, config.steps):
        share = step / config.steps
        factor = [f for start, f in config.coarse_to_fine if share >= start][-1]
        index = _photo_of(step, len(photos), config.seed)
        _step(parameters, exposure, photos[index], index, factor, share, size, config)
        if _densifies(step + 1, config):
            _densify(parameters, exposure, photos, factor, step + 1, first_count, config)
        report("training splats", step + 1, config.steps)
        if time.monotonic() - saved_at > config.checkpoint_seconds:
            save_checkpoint(folder, config, step + 1, parameters.state() | exposure.state())
            saved_at = time.monotonic()

    gaussians = parameters.gaussians.detached()
    figures = judge(gaussians, load_photos(held_out_frames, config.max_size, (1,)), folder / "held-out")
    figures |= {"steps": config.steps, "gaussians": len(gaussians), "training_views": len(photos)}
    return save_fit(FitResult(gaussians, figures), folder)


def _photo_of(step: int, photos: int, seed: int) -> int:
    """Every epoch shows each photo once, in an order that depends on nothing but seed and epoch."""
    epoch, place = divmod(step, photos)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return int(torch.randperm(photos, generator=generator)[place])


def _step(
    parameters: Parameters,
    exposure: Exposure,
    photo: Photo,
    index: int,
    factor: int,
    share: float,
    size: float,
    config: FitConfig,
) -> None:
    image, camera = photo.view(factor)
    gaussians = parameters.gaussians
    rendered = rasterize(gaussians, [camera]).colors[0]
    loss = photometric_loss(exposure.apply(rendered, index), image, config.ssim_weight)
    opacities = gaussians.opacities
    loss = loss + config.opacity_weight * opacities.mean() + exposure.pull()
    if share >= config.binary_from:
        loss = loss + config.binary_weight * (4 * opacities * (1 - opacities)).mean()
    scales = gaussians.scales / size
    loss = loss + config.scale_weight * scales.mean() + config.flat_weight * scales.amin(1).mean()
    if not torch.isfinite(loss):
        raise FitError("training diverged (the loss is not finite)", todo="run again with another --seed")
    loss.backward()
    parameters.step(share)
    exposure.step()


def _densifies(step: int, config: FitConfig) -> bool:
    share = step / config.steps
    return step % config.densify_every == 0 and config.densify_from <= share <= config.densify_until


def _densify(
    parameters: Parameters,
    exposure: Exposure,
    photos: list[Photo],
    factor: int,
    step: int,
    first_count: int,
    config: FitConfig,
) -> None:
    """Grow evenly from the first count to the cap over the densification's share of the training."""
    span = config.densify_until - config.densify_from
    growth = min(1.0, (step / config.steps - config.densify_from + config.densify_every / config.steps) / span)
    target = round(first_count + (config.max_gaussians - first_count) * growth)
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    chosen = torch.randperm(len(photos), generator=generator)[: config.densify_views].tolist()
    values = exposure.values.detach()
    # one level coarser than training: the errors' places are needed, not their finest detail
    coarser = max([f for f in photos[0].levels if f <= factor * 2])
    scores = error_scores(parameters, [photos[i] for i in chosen], coarser, [values[i] for i in chosen])
    prune_and_split(parameters, scores, target, config.min_opacity, generator)
