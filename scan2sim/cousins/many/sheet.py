"""The contact sheet: the twin and its cousins side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scan2sim.cousins.many.folder import CousinEntry
from scan2sim.files import whole_file
from scan2sim.scene import Scene, scene_gaussians, viewpoint
from scan2sim.splats import rasterize

__all__ = ["SHEET_FILE", "save_preview", "write_sheet"]

SHEET_FILE, PREVIEW_FILE = "sheet.png", "preview.jpg"
SHOWN = 35  # cousins on the sheet; with the twin they fill six rows
COLUMNS = 6
SIDE = 320  # [pixels] longer side of a picture
GAP, LINE = 4, 18  # [pixels] around a picture, and for the text under it
BACKGROUND, INK = (255, 255, 255), (30, 30, 30)
"""Colours of the sheet."""


def save_preview(scene: Scene, folder: Path, index: int) -> None:
    """Write ``preview.jpg`` into the folder of a cousin that the sheet shows."""
    if index < SHOWN:
        _picture(scene).save(folder / PREVIEW_FILE, "JPEG", quality=85)


def write_sheet(twin: Scene, folder: Path, entries: Sequence[CousinEntry]) -> None:
    """Write ``sheet.png``: the twin first, then the first cousins with their number and distance.

    Raises:
        OutputError: it cannot be written.
    """
    shown = [entry for entry in entries if entry.index < SHOWN]
    first = _picture(twin)
    width, height = first.width + 2 * GAP, first.height + 2 * GAP + LINE
    columns = min(COLUMNS, 1 + len(shown))
    sheet = Image.new("RGB", (columns * width, math.ceil((1 + len(shown)) / columns) * height), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for place, entry in enumerate([None, *shown]):
        x, y = place % columns * width + GAP, place // columns * height + GAP
        if entry is None:
            picture, text = first, "twin"
        else:
            text = f"{entry.folder}   distance {entry.distance:.2f}"
            with Image.open(folder / entry.folder / PREVIEW_FILE) as stored:
                picture = stored.convert("RGB")
        sheet.paste(picture, (x, y))
        draw.text((x, y + first.height + 1), text, INK, font)
    with whole_file(folder / SHEET_FILE) as file:
        sheet.save(file, "PNG")


def _picture(scene: Scene) -> Image.Image:
    gaussians = scene_gaussians(scene).with_ids(None)
    colors = rasterize(gaussians, [viewpoint(scene, gaussians, SIDE)]).colors[0]
    return Image.fromarray((colors.clamp(0, 1) * 255).round().byte().cpu().numpy())
