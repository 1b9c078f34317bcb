"""A path becomes a capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scan2sim.capture.archive import unpacked_zip
from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.formats import FOLDER_FORMATS, KNOWN
from scan2sim.capture.frames import Capture
from scan2sim.capture.listing import licence_of, visible_files
from scan2sim.capture.magic import PHOTO_KINDS, describe_kind, file_kind
from scan2sim.capture.video import read_video
from scan2sim.errors import CaptureError
from scan2sim.files import output_errors
from scan2sim.progress import Reporter, silent

__all__ = ["read_capture"]


def read_capture(
    path: Path,
    folder: Path,
    config: CaptureConfig = CaptureConfig(),  # noqa: B008 (frozen)
    report: Reporter = silent,
) -> Capture:
    """Read photos, a video, or what an app exported, into upright RGB frames in ``folder/images``.

    Content decides what a file or folder is.  Every picture that is not used is in ``Capture.dropped`` with its reason,
    and in a folder of photos every other file too.
    Nothing is written outside ``folder``, which the caller provides empty and removes when this raises.

    Raises:
        CaptureError: the path is missing or of no known kind, a zip is unsafe, or too few frames are usable.
        OutputError: ``folder`` cannot be written.
    """
    path = Path(path)
    if not path.exists():
        raise CaptureError("no such file or folder", path=path, todo="check the path")
    kind = "folder" if path.is_dir() else file_kind(path) if path.is_file() else "unknown"
    if kind not in ("folder", "zip", "video"):
        what = "a single photo" if kind in PHOTO_KINDS else describe_kind(kind)
        raise CaptureError(f"this is {what}; expected {KNOWN}", path=path, todo="give one of these")
    with output_errors(folder):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        if kind == "video":
            return read_video(path, folder, config, report)
        if kind == "folder":
            return _read_folder(path, folder, config, report)
        with unpacked_zip(path, folder, config, report) as unpacked:
            return _read_folder(unpacked, folder, config, report)


def _read_folder(root: Path, folder: Path, config: CaptureConfig, report: Reporter) -> Capture:
    files = list(visible_files(root, config.max_files, []))
    for format in FOLDER_FORMATS:
        place = format.find(root, files)
        if place is not None:
            capture = format.read(root / place, folder, config, report)
            return replace(capture, licence=capture.licence or licence_of(root, files))
    raise AssertionError("the last format takes any folder")
