"""The table of capture formats; a new one (HEIC, Record3D, …) is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scan2sim.capture.archive import read_zip
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture
from scan2sim.capture.photos import read_folder
from scan2sim.capture.video import read_video
from scan2sim.progress import Reporter

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """One kind of capture and the function that reads it."""

    name: str  # for messages
    kind: str  # what magic.file_kind calls it, or "folder"
    read: Callable[[Path, Path, CaptureConfig, Reporter], Capture]  # path, output folder, settings, progress


FORMATS = (
    Format("a folder of JPEG, PNG or WebP photos", "folder", read_folder),
    Format("a zip of photos", "zip", read_zip),
    Format("an MP4 or MOV video", "video", read_video),
)
