"""What a photo's EXIF tells: orientation, focal length, device, time.  Everything else is dropped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

__all__ = ["EXIF_BLOCK", "KEPT_IN_BLOCK", "ORIENTATION", "PhotoTags", "is_screenshot", "read_tags"]

ORIENTATION, MAKE, MODEL, EXIF_BLOCK = 0x0112, 0x010F, 0x0110, 0x8769
TIME, SUBSECONDS, COMMENT = 0x9003, 0x9291, 0x9286
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
PLANE_X_RESOLUTION, PLANE_UNIT, PIXEL_WIDTH = 0xA20E, 0xA210, 0xA002
KEPT_IN_BLOCK = (  # what reading uses and says nothing about the person
    *(TIME, SUBSECONDS, FOCAL_LENGTH, FOCAL_LENGTH_35MM),
    *(PLANE_X_RESOLUTION, PLANE_UNIT, PIXEL_WIDTH),
)
DIAGONAL_35MM = math.hypot(36.0, 24.0)  # [mm]
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 1e-3}


@dataclass(frozen=True)
class PhotoTags:
    """The few EXIF tags that are used."""

    orientation: int = 1  # 1..8
    focal_length: float | None = None  # [pixels] at the photo's full size
    device: str | None = None
    time: datetime | None = None
    screenshot: bool = False  # of a phone's display, as iOS marks them


def read_tags(image: Image.Image) -> PhotoTags:
    """The tags of a photo that need not have any; damaged ones count as absent.

    The 35 mm equivalent is defined by the diagonal (CIPA DCG-001): ``f_px = f35 / 43.27 mm · diagonal_px``.
    Without it the focal length and the resolution of the focal plane are used, which refers to the width that the
    camera wrote, so that photos resized with their EXIF kept come out right.
    """
    exif = image.getexif()
    block = exif.get_ifd(EXIF_BLOCK)
    orientation = exif.get(ORIENTATION)
    make, model = (str(exif.get(tag) or "").strip(" \0") for tag in (MAKE, MODEL))
    device = model if model.casefold().startswith(make.casefold()) else f"{make} {model}"
    return PhotoTags(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        focal_length=_focal_length(block, *image.size),
        device="".join(c for c in device if c.isprintable()).strip()[:80] or None,
        time=_time(block),
        screenshot=is_screenshot(block),
    )


def is_screenshot(block: Any) -> bool:
    """Whether the comment in an EXIF block is the one that iOS writes into screenshots."""
    comment = block.get(COMMENT)
    text = comment.decode("ascii", "ignore") if isinstance(comment, bytes) else str(comment or "")
    return "screenshot" in text.casefold()


def _focal_length(block: Any, width: int, height: int) -> float | None:
    equivalent = _number(block.get(FOCAL_LENGTH_35MM))
    if equivalent:
        pixels = equivalent / DIAGONAL_35MM * math.hypot(width, height)
    else:
        millimetres, resolution = _number(block.get(FOCAL_LENGTH)), _number(block.get(PLANE_X_RESOLUTION))
        unit = UNIT_MM.get(block.get(PLANE_UNIT, 2))
        written_width = _number(block.get(PIXEL_WIDTH)) or max(width, height)
        if not (millimetres and resolution and unit):
            return None
        pixels = millimetres * resolution / unit * max(width, height) / written_width
    return pixels if 0.2 < pixels / max(width, height) < 20 else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _time(block: Any) -> datetime | None:
    try:
        time = datetime.strptime(str(block.get(TIME)).strip(" \0"), "%Y:%m:%d %H:%M:%S")
        fraction = str(block.get(SUBSECONDS) or "0").strip(" \0")
        return time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    except ValueError:
        return None
