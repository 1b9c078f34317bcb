"""How finding the cameras went, for a person: what each step gave, what tells the scale, and the worst photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from scan2sim.capture import Frame
from scan2sim.files import write_json
from scan2sim.poses.posed import PosedCapture

__all__ = ["draw_blurriest", "least_sharp", "tell_steps", "write_account"]

WORST = 8  # photos on the picture
COLUMNS = 4
TILE = 320  # [pixels] side of a photo on the picture
NAMED = 4
RED, AMBER = (189, 49, 36), (168, 100, 0)


def write_account(posed: PosedCapture, frames: Sequence[Frame], folder: Path) -> None:
    """Write ``report.json``, which the report page shows, and ``worst.jpg``, the photos to look at first, to a folder.

    Those are the photos without a camera, and then those whose sparse points reproject worst.
    """
    residuals = {frame.name: frame.residual for frame in posed.frames if np.isfinite(frame.residual)}
    placed = sorted(residuals, key=lambda name: -residuals[name])
    missing = [frame.name for frame in frames if frame.name in set(posed.unregistered)]
    worst = [*missing, *placed][:WORST]
    by_name = {frame.name: frame for frame in frames}
    _draw_worst([by_name[name] for name in worst if name in by_name], residuals, folder / "worst.jpg")
    told = [f"{name} ({_trouble(residuals.get(name))})" for name in worst]
    figures: dict[str, Any] = {_step_name(step): _step_result(step) for step in posed.steps}
    for each in posed.scale.evidence:
        figures[f"scale from {each['source']}"] = _evidence(each, f"{each['factor']:.4f} of what was taken")
    for each in posed.gravity.evidence:
        figures[f"up from {each['source']}"] = _evidence(each, f"{each['off_deg']:.1f}° from what was taken")
    caption = f"To look at first if something is wrong: {', '.join(told)}"
    write_json(
        folder / "report.json",
        {
            "title": "How the cameras were found",
            "figures": figures,
            "pictures": [{"file": "worst.jpg", "caption": caption}],
        },
    )


def draw_blurriest(frames: Sequence[Frame], target: Path) -> None:
    """Write a picture of the blurriest frames, for when no cameras were found that could tell which are bad."""
    worst = sorted(frames, key=lambda frame: frame.sharpness)[:WORST]
    _draw_worst(worst, {}, target)


def tell_steps(steps: Sequence[Mapping[str, Any]]) -> str:
    """What each step that places cameras gave, in words."""
    return ", ".join(f"{_step_name(step)}: {_step_result(step)}" for step in steps if not _prepares(step))


def least_sharp(frames: Sequence[Frame]) -> list[str]:
    """Names of a few frames, the blurriest first."""
    return [frame.name for frame in sorted(frames, key=lambda frame: frame.sharpness)[:NAMED]]


def _prepares(step: Mapping[str, Any]) -> bool:
    return str(step["name"]).endswith(("features", "matching"))


def _step_name(step: Mapping[str, Any]) -> str:
    return f"step {step['name']}"


def _step_result(step: Mapping[str, Any]) -> str:
    seconds = f"{step['seconds']:.0f} s" if step.get("seconds") is not None else ""
    if _prepares(step):
        return seconds
    error = f"{step['error_px']:.2f} px" if step.get("error_px") is not None else ""
    return ", ".join(part for part in (f"{step['registered']} of {step['total']} photos", error, seconds) if part)


def _evidence(each: Mapping[str, Any], against: str) -> str:
    sigma = f"{each['relative_sigma']:.2%}" if "relative_sigma" in each else f"{each['sigma_deg']:.2f}°"
    return f"{against} ± {sigma}{'' if each['used'] else ', NOT USED'}; {each['details']}"


def _trouble(residual: float | None) -> str:
    return "no camera" if residual is None else f"{residual:.2f} px"


def _draw_worst(frames: Sequence[Frame], residuals: Mapping[str, float], target: Path) -> None:
    rows = -(-len(frames) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, max(1, rows) * TILE), (240, 238, 233))
    pen = ImageDraw.Draw(sheet)
    for number, frame in enumerate(frames):
        left, top = number % COLUMNS * TILE, number // COLUMNS * TILE
        with Image.open(frame.image) as image:
            small = image.convert("RGB")
        small.thumbnail((TILE - 8, TILE - 28))
        sheet.paste(small, (left + 4, top + 4))
        residual = residuals.get(frame.name)
        text = f"{frame.name[:28]}: {_trouble(residual)}".encode("latin-1", "replace").decode("latin-1")
        pen.text((left + 6, top + TILE - 20), text, fill=RED if residual is None else AMBER)
    sheet.save(target, quality=88)
