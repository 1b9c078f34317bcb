"""A build folder as the stages leave it, around the synthetic scene; small and quick to make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scan2sim.files import write_json
from scan2sim.scene import Scene, save_scene
from tests.scene.factory import make_scene

SETTLING = {"settle_drift_mm": 0.4, "settle_turn_deg": 0.1, "settle_penetration_mm": 0.3, "settle_moved_mm": 0.9}
SPLATS = {"held_out_psnr": 26.3, "held_out_ssim": 0.88}
FIGURES = {"registered": 15, "frames": 16, "reprojection_px": 0.62, **SPLATS, **SETTLING}
STAGES: dict[str, dict[str, Any]] = {
    "capture": {"frames": 16},
    "poses": {"registered": 15, "frames": 16, "reprojection_px": 0.62, "points": 5120},
    "splats": {**SPLATS, "held_out_views": 2, "gaussians": 48210, "steps": 1500},
    "objects": {"objects": 3, **SETTLING},
}


def make_build(folder: Path, scene: Scene | None = None, *, with_scene: bool = True) -> Path:
    """Write a whole build: four stages, two held-out pairs, one dropped file, and the scene."""
    for number, (name, figures) in enumerate(STAGES.items(), start=1):
        write_json(folder_of(folder, number, name) / "stage.json", _record(name, number, figures))
    write_json(
        folder / "01-capture" / "capture.json",
        {
            "frames": [{"name": "IMG_0001.jpg", "flags": []}, {"name": "IMG_0003.jpg", "flags": ["blurred", "dark"]}],
            "dropped": [{"name": "notes.jpg", "reason": "not a picture: its first bytes are text"}],
        },
    )
    write_json(folder / "02-poses" / "poses.json", {"unregistered": ["IMG_0007.jpg"]})
    _held_out(folder / "03-splats" / "held-out")
    if with_scene:
        scene = scene or make_scene(folder.parent / f"{folder.name}-photos")
        save_scene(replace(scene, quality=scene.quality | FIGURES), folder / "scene")
    return folder


def folder_of(build: Path, number: int, name: str) -> Path:
    """The stage's folder, made if needed."""
    folder = build / f"{number:02d}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _record(name: str, number: int, figures: dict[str, Any]) -> dict[str, Any]:
    warning = {"poses": ["1 of 16 photos has no pose: IMG_0007.jpg; film with more overlap there"]}
    return {
        "stage": name,
        "seconds": 7.5 * number**2,
        "peak_memory_mib": 400.0 * number,
        "figures": figures,
        "warnings": warning.get(name, []),
        "config": {"quality": "draft", "seed": 0},
        "versions": {"scan2sim": "0.1.0"},
        "seed": 0,
        "finished": f"2026-11-21T11:5{number}:00+00:00",
    }


def _held_out(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in (2, 10):
        photo = np.kron(rng.integers(60, 200, (6, 8, 3)), np.ones((20, 20, 1))).astype(np.uint8)
        drawn = (photo + rng.normal(0, 10, photo.shape)).clip(0, 255).astype(np.uint8)
        stem = f"IMG_{number:04d}"
        Image.fromarray(photo).save(folder / f"{stem}-photo.jpg")
        Image.fromarray(drawn).save(folder / f"{stem}-render.jpg")
        rows.append({"name": f"{stem}.jpg", "psnr": 26.0 + number / 20, "ssim": 0.9})
    write_json(folder / "held-out.json", rows)
