"""Photos that training never saw judge the Gaussians."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from scan2sim.errors import FitError
from scan2sim.files import write_json
from scan2sim.fit.photos import Photo
from scan2sim.poses import PosedFrame
from scan2sim.splats import Gaussians, match_exposure, psnr, rasterize, ssim

__all__ = ["judge", "split_held_out"]


def split_held_out(
    frames: tuple[PosedFrame, ...],
    every: int,
    offset: int | None = None,  # which of each n frames, counted from 0
) -> tuple[tuple[PosedFrame, ...], tuple[PosedFrame, ...]]:  # to train on, held out
    """Hold out every n-th frame; without ``offset`` the middle one of each n, so never a capture's very first.

    With each offset from 0 to n - 1 in turn, every frame is held out once.

    Raises:
        FitError: the offset is not within 0 to n - 1.
    """
    if every > 0 and offset is not None and not 0 <= offset < every:
        raise FitError(
            f"hold_out_offset = {offset}, expected 0 to {every - 1}, as every {every}th photo is held out",
            todo="choose another --fit.hold-out-offset",
        )
    chosen = every // 2 if offset is None else offset
    is_held_out = [every > 0 and i % every == chosen for i in range(len(frames))]
    return (
        tuple(f for f, out in zip(frames, is_held_out, strict=True) if not out),
        tuple(f for f, out in zip(frames, is_held_out, strict=True) if out),
    )


def judge(gaussians: Gaussians, photos: list[Photo], folder: Path) -> dict[str, Any]:
    """Render the held-out photos, compare, and leave each pair of pictures in ``folder``.

    PSNR [dB] and SSIM are taken after one least-squares gain and offset per channel and image, as exposure is not
    what is judged.  Figures are None when nothing was held out.
    """
    folder.mkdir(exist_ok=True)
    rows = []
    for photo in photos:
        image, camera = photo.view(1)
        with torch.no_grad():
            rendered = match_exposure(rasterize(gaussians, [camera]).colors[0], image).clamp(0, 1)
        row = {"name": photo.name, "psnr": float(psnr(rendered, image)), "ssim": float(ssim(rendered, image))}
        rows.append(row)
        stem = Path(photo.name).stem
        _save(image, folder / f"{stem}-photo.jpg")
        _save(rendered, folder / f"{stem}-render.jpg")
    write_json(folder / "held-out.json", rows)

    def mean(key: str) -> float | None:
        return sum(row[key] for row in rows) / len(rows) if rows else None

    size = max(photos[0].view(1)[0].shape[:2]) if photos else None
    return {
        "held_out_psnr": mean("psnr"),
        "held_out_ssim": mean("ssim"),
        "held_out_views": len(rows),
        "held_out_long_side": size,
    }


def _save(image: Tensor, path: Path) -> None:  # (H, W, 3) in 0..1
    Image.fromarray((image * 255).round().byte().cpu().numpy()).save(path, quality=92)
