"""Things and their background in other colours, under the same light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scan2sim.cousins.change import Change
from scan2sim.cousins.colors import LUMA, Array, lab, mapped, mapped_object, rgb_of_lab
from scan2sim.cousins.config import AppearanceConfig
from scan2sim.scene import Scene
from scan2sim.splats import Gaussians

__all__ = ["recolor_matrix", "vary_appearance"]

TRIES = 200  # directions tried until one leads to a colour that a screen shows
DARKEST, BRIGHTEST = 0.04, 0.96  # of a mean colour's channels
BRIGHT = 0.98  # this share of the splats must not become brighter than white
DARK = 0.02  # [0..1] luminance below which no colour is seen


def vary_appearance(
    scene: Scene,
    amount: float,  # 0..1
    rng: np.random.Generator,
    config: AppearanceConfig = AppearanceConfig(),  # noqa: B008  (frozen)
) -> tuple[Scene, tuple[Change, ...]]:
    """Each object, and the background, in another colour; shading stays (:func:`recolor_matrix`).

    The mean colour goes ``amount · config.shift`` along a random direction in CIELAB, of those that lead to a colour
    within a screen's gamut; the contrast goes up or down by ``exp(±amount · config.contrast · u)`` with u in 0..1.
    """
    changes, objects = [], []
    for obj in scene.objects:
        if not len(obj.gaussians):  # nothing to be seen
            objects.append(obj)
            continue
        matrix, change = _draw(obj.gaussians, amount, config.shift, rng, config)
        objects.append(mapped_object(obj, matrix))
        changes.append(Change("appearance", "recolor", obj.name, change))
    background = scene.background
    if len(background):
        matrix, change = _draw(background, amount, config.background, rng, config)
        background = mapped(background, matrix)
        changes.append(Change("appearance", "recolor", "", change))
    return replace(scene, objects=tuple(objects), background=background), tuple(changes)


def recolor_matrix(mean: Array, target: Array, contrast: float) -> Array:  # (3,), (3,) → (3, 3)
    """The linear map of colours that takes a mean colour to a target and keeps shading.

    With w the weights of luminance and the two colours at luminance 1, m and t, it is
    ``g (t wᵀ + contrast (I - m wᵀ))``, g the ratio of the luminances: every luminance is multiplied by g, so what
    lies in half the light still has half the luminance of its neighbour; and what a colour differs from the mean at
    its own luminance, which is texture and not shading, is multiplied by ``contrast``.
    """
    light, aim = max(float(LUMA @ mean), DARK), max(float(LUMA @ target), DARK)
    m, t = mean / light, target / aim
    return aim / light * (np.outer(t, LUMA) + contrast * (np.eye(3) - np.outer(m, LUMA)))


def _draw(
    gaussians: Gaussians, amount: float, shift: float, rng: np.random.Generator, config: AppearanceConfig
) -> tuple[Array, dict[str, float | str | list[float]]]:
    """A change of colour, and what is noted of it."""
    colors = gaussians.base_colors.detach().numpy().astype(np.float64).clip(0, 1)
    mean = colors.mean(0)
    bright = float(np.quantile(colors @ LUMA, BRIGHT)) / max(float(LUMA @ mean), DARK)
    start, best, excess = lab(mean[None])[0], mean, np.inf
    for _ in range(TRIES):
        direction = rng.normal(size=3)
        end = start + shift * direction / np.linalg.norm(direction)
        rgb = rgb_of_lab(end[None])[0]
        beyond = max(float((rgb - BRIGHTEST).max()), float((DARKEST - rgb).max()), bright * float(LUMA @ rgb) - 1)
        if beyond < excess:
            best, excess = end, beyond
        if excess <= 0:
            break
    target = rgb_of_lab((start + amount * (best - start))[None])[0].clip(0, 1)
    contrast = float(np.exp(amount * config.contrast * rng.uniform(-1, 1)))
    note: dict[str, float | str | list[float]] = {
        "from_rgb": mean.tolist(),
        "to_rgb": target.tolist(),
        "contrast_factor": contrast,
    }
    return recolor_matrix(mean, target, contrast), note
