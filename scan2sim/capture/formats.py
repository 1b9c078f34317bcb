"""The table of capture formats; a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scan2sim.capture import apps
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture
from scan2sim.capture.photos import read_folder
from scan2sim.progress import Reporter

__all__ = ["FOLDER_FORMATS", "KNOWN", "FolderFormat"]


@dataclass(frozen=True)
class FolderFormat:
    """A kind of folder (or of zip with one inside), how it is told from others, and the function that reads it."""

    name: str  # for messages
    find: Callable[[Path, Sequence[PurePosixPath]], PurePosixPath | None]  # root, files in it → where it begins
    read: Callable[[Path, Path, CaptureConfig, Reporter], Capture]  # where it begins, output folder, settings, progress


def _any_folder(root: Path, files: Sequence[PurePosixPath]) -> PurePosixPath:
    return PurePosixPath()


FOLDER_FORMATS = (  # the first that is found reads the folder
    FolderFormat("Record3D", apps.find_record3d, apps.read_record3d),
    FolderFormat("Stray Scanner", apps.find_stray_scanner, apps.read_stray_scanner),
    FolderFormat("Polycam", apps.find_polycam, apps.read_polycam),
    FolderFormat("ARKit frames", apps.find_arkit_frames, apps.read_arkit_frames),
    FolderFormat("transforms.json", apps.find_transforms, apps.read_transforms),
    FolderFormat("COLMAP", apps.find_colmap, apps.read_colmap),
    FolderFormat("photos", _any_folder, read_folder),
)
KNOWN = (
    "a folder or zip of photos, an MP4 or MOV video, or an export of Record3D, Stray Scanner, Polycam, 3D Scanner App, "
    "NeRFCapture, nerfstudio or COLMAP"
)
