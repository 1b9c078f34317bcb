"""Pixels of a scene beside those of the truth: whose they are, and what was hidden behind the objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from scan2sim.progress import Reporter
from scan2sim.report.alignment import Alignment
from scan2sim.report.truth import Truth
from scan2sim.scene import Scene, draw, scene_gaussians
from scan2sim.splats import match_exposure

__all__ = ["background_figures", "instance_overlaps"]

Array = NDArray[np.float64]

RING = 30  # pixels around what the objects hid


def instance_overlaps(
    scene: Scene,
    truth: Truth,
    views: dict[str, NDArray[np.uint8]],
    pairs: dict[int, int],
    alignment: Alignment,
    report: Reporter,
) -> dict[int, float]:
    """Intersection over union of each found object's pixels over all views, by id of the truth."""
    gaussians, numbers = scene_gaussians(scene), [thing.id for thing in scene.objects]
    shared, joint = dict.fromkeys(pairs.values(), 0), dict.fromkeys(pairs.values(), 0)
    for done, (stem, mask) in enumerate(views.items(), start=1):
        ids = draw(gaussians, alignment.camera(truth.cameras[stem]), numbers).ids
        for found, true in pairs.items():
            mine, real = ids == found, mask == true
            shared[true] += int((mine & real).sum())
            joint[true] += int((mine | real).sum())
        report("comparing masks", done, len(views))
    return {true: shared[true] / joint[true] for true in shared if joint[true]}


def background_figures(
    scene: Scene, truth: Truth, views: dict[str, NDArray[np.uint8]], alignment: Alignment, report: Reporter
) -> dict[str, Any]:
    """PSNR [dB] of the scene without objects against the empty views, where they hid it and around."""
    stems = [stem for stem in sorted(truth.empty) if stem in views]
    gaussians = scene_gaussians(scene, without=[thing.name for thing in scene.objects])
    disc = np.hypot(*np.mgrid[-RING : RING + 1, -RING : RING + 1]) <= RING
    hidden_errors, ring_errors = [], []
    for done, stem in enumerate(stems, start=1):
        real = torch.from_numpy(truth.empty_view(stem)).float() / 255
        picture = draw(gaussians, alignment.camera(truth.cameras[stem]), ())
        mine = match_exposure(torch.from_numpy(picture.rgb).float() / 255, real).clamp(0, 1)
        errors = ((mine - real) ** 2).mean(-1).numpy()
        hidden = views[stem] > 0
        around = np.asarray(binary_dilation(hidden, disc), dtype=bool) & ~hidden
        hidden_errors.append(errors[hidden])
        ring_errors.append(errors[around])
        report("comparing the background", done, len(stems))

    def decibels(parts: list[Array]) -> float | None:
        errors = np.concatenate(parts) if parts else np.zeros(0)
        return float(-10 * np.log10(max(errors.mean(), 1e-12))) if len(errors) else None

    return {
        "background_views": len(stems),
        "background_hidden_psnr": decibels(hidden_errors),
        "background_ring_psnr": decibels(ring_errors),
    }
