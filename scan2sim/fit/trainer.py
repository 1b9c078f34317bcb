"""Photos with cameras become Gaussians: the training loop."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from dataclasses import replace
from pathlib import Path

import torch

from scan2sim.cameras import CameraFrame, write_cameras
from scan2sim.errors import FitError, OutOfMemoryError
from scan2sim.fit.checkpoint import describe_config, load_checkpoint, save_checkpoint
from scan2sim.fit.config import FitConfig, TeachersConfig
from scan2sim.fit.held_out import judge, split_held_out
from scan2sim.fit.initialize import first_gaussians
from scan2sim.fit.memory import check_memory, is_out_of_memory
from scan2sim.fit.photos import Photo, load_photos
from scan2sim.fit.result import FitResult, load_fit, save_fit
from scan2sim.fit.teachers import invented_cameras, invented_photos
from scan2sim.fit.training import Training
from scan2sim.poses import PosedCapture, PosedFrame
from scan2sim.progress import Reporter, silent
from scan2sim.splats import Gaussians, keep_freed_memory, write_ply

__all__ = ["train"]

MIN_TRAINING_PHOTOS = 3
UNFINISHED = "splats-unfinished.ply"
CAMERAS = "cameras.json"
TEACHERS = "teachers"


def train(
    posed: PosedCapture,
    folder: Path,
    config: FitConfig = FitConfig(),  # noqa: B008  (frozen)
    report: Reporter = silent,
    *,
    start: Gaussians | None = None,
    device: torch.device | str = "cpu",
) -> FitResult:
    """Train Gaussians on a posed capture and judge them on photos that were held out.

    Writes ``splats.ply``, ``fit.json`` and ``held-out/`` into ``folder``, ``cameras.json`` too where cameras were
    corrected, and a checkpoint every ``config.checkpoint_seconds``; if there is one of the same configuration, training
    goes on from it and ends as it would have ended undisturbed.

    Loss: ``(1 - w) |render - photo| + w (1 - SSIM)`` after each photo's own gain and offset (Kerbl et al. 2023), and
    the terms in :mod:`scan2sim.fit.loss`.  With teachers, they train first, each in a folder of its own until the end.

    Args:
        posed: photos with cameras.
        folder: existing folder for the results.
        config: all settings.
        report: told about progress.
        start: Gaussians of an earlier training in the same frame to go on from; None = begin at the sparse points.
        device: where to train, ``cpu`` or ``cuda``.

    Raises:
        FitError: a photo cannot be read, there are too few photos or points, or training diverged.
        OutOfMemoryError: memory does not suffice or ran out; a checkpoint and ``splats-unfinished.ply`` are left.
    """
    frames, held_out = split_held_out(posed.frames, config.hold_out_every, config.hold_out_offset)
    if len(frames) < MIN_TRAINING_PHOTOS:
        raise FitError(
            f"{len(frames)} photos to train on; at least {MIN_TRAINING_PHOTOS} are needed",
            todo="add photos or hold out fewer",
        )
    if config.budget is not None and config.budget < 1:
        raise FitError(f"budget = {config.budget}, expected at least one Gaussian", todo="choose another --fit.budget")
    if config.teachers.photos_every < 1:
        raise FitError(
            f"teachers.photos_every = {config.teachers.photos_every}, expected at least 1",
            todo="choose another --fit.teachers.photos-every",
        )
    check_memory(frames, config, torch.device(device))
    keep_freed_memory()
    training, scenes = None, _teach(posed, folder, config, report, start, device)
    try:
        training = _prepare(posed, frames, config, start, scenes, torch.device(device))
        if saved := load_checkpoint(folder, config):
            training.load_state(*saved)
        _run(training, folder, report)
        return _finish(training, frames, held_out, folder)
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        problem = str(error).partition("\n")[0]
    # here the failed step's memory is free again
    raise _rescued(training, folder, config, problem)


def _teach(
    posed: PosedCapture,
    folder: Path,
    config: FitConfig,
    report: Reporter,
    start: Gaussians | None,
    device: torch.device | str,
) -> list[Gaussians]:
    """Train the teachers, which differ in their seeds; finished ones are read again."""
    scenes = []
    for number in range(1, config.teachers.count + 1):
        alone = replace(config, teachers=TeachersConfig(), seed=config.seed + 1000 * number)
        digest = hashlib.sha256(describe_config(alone).encode()).hexdigest()[:12]
        own = folder / TEACHERS / f"{number}-{digest}"

        def tell(what: str, done: int, total: int, number: int = number) -> None:
            report(f"{what}, teacher {number} of {config.teachers.count}", done, total)

        if (own / "fit.json").exists():
            result = load_fit(own)
        else:
            own.mkdir(parents=True, exist_ok=True)
            result = train(posed, own, alone, tell, start=start, device=device)
        scenes.append(result.gaussians.to(device))
    return scenes


def _prepare(
    posed: PosedCapture,
    frames: tuple[PosedFrame, ...],
    config: FitConfig,
    start: Gaussians | None,
    teachers: list[Gaussians],
    device: torch.device,
) -> Training:
    factors = tuple(sorted({1, *(factor for _, factor in config.coarse_to_fine)}))
    photos: list[Photo] = load_photos(frames, config.max_size, factors, device)
    if teachers:
        cameras = invented_cameras([photo.camera for photo in photos], config.teachers, config.seed)
        photos += invented_photos(teachers, cameras, factors)
    return Training(first_gaussians(posed, start, config).to(device), posed, frames, photos, config)


def _run(training: Training, folder: Path, report: Reporter) -> None:
    config, saved_at = training.config, time.monotonic()
    while training.done < config.steps:
        training.step()
        report("training splats", training.done, config.steps)
        if time.monotonic() - saved_at > config.checkpoint_seconds:
            save_checkpoint(folder, config, training.done, training.state())
            saved_at = time.monotonic()


def _finish(
    training: Training, frames: tuple[PosedFrame, ...], held_out: tuple[PosedFrame, ...], folder: Path
) -> FitResult:
    config, gaussians = training.config, training.parameters.gaussians.detached()
    photos = load_photos(held_out, config.max_size, (1,), gaussians.means.device)
    figures = judge(gaussians, photos, folder / "held-out")
    figures |= {"steps": config.steps, "gaussians": len(gaussians), "training_views": len(frames)}
    if config.poses.rate > 0:
        figures |= training.refinement.figures()
        corrected = [training.refinement.corrected(i, frame.camera) for i, frame in enumerate(frames)]
        pairs = zip(frames, corrected, strict=True)
        write_cameras(folder / CAMERAS, tuple(CameraFrame(frame.image.name, camera) for frame, camera in pairs))
    result = save_fit(FitResult(gaussians.to("cpu"), figures), folder)
    (folder / UNFINISHED).unlink(missing_ok=True)
    shutil.rmtree(folder / TEACHERS, ignore_errors=True)
    return result


def _rescued(training: Training | None, folder: Path, config: FitConfig, problem: str) -> OutOfMemoryError:
    """Save what was reached, and say it."""
    todo = "close other programs and run the same again, or choose a lower --quality or --fit.max-gaussians"
    if training is None:
        return OutOfMemoryError(f"memory ran out before the first step ({problem})", todo=todo)
    reached, left = f"after step {training.done} with {len(training.parameters)} Gaussians", None
    for tensor in training.parameters.tensors.values():
        tensor.grad = None
    with contextlib.suppress(MemoryError, RuntimeError):
        if training.is_whole:  # else an older checkpoint is the better one
            save_checkpoint(folder, config, training.done, training.state())
            left = training.done
    with contextlib.suppress(MemoryError, RuntimeError):
        write_ply(training.parameters.gaussians.detached().to("cpu"), folder / UNFINISHED)
    goes_on = "; training goes on from its checkpoint" + (f" at step {left}" if left is not None else "")
    return OutOfMemoryError(f"memory ran out {reached} ({problem})", todo=todo + goes_on, path=folder / UNFINISHED)
