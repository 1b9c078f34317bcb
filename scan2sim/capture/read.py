"""A path becomes a capture."""

from __future__ import annotations

from pathlib import Path

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.formats import FORMATS
from scan2sim.capture.frames import Capture
from scan2sim.capture.magic import PHOTO_KINDS, describe_kind, file_kind
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
    """Read a folder or zip of photos, or a video, into upright RGB frames in ``folder/images``.

    Magic bytes decide what a file is.  Every file that is not used is in ``Capture.dropped`` with its reason.
    Nothing is written outside ``folder``, which the caller provides empty and removes when this raises.

    Raises:
        CaptureError: the path is missing or of no known kind, a zip is unsafe, or too few frames are usable.
        OutputError: ``folder`` cannot be written.
    """
    path = Path(path)
    if not path.exists():
        raise CaptureError("no such file or folder", path=path, todo="check the path")
    known = ", ".join(format.name for format in FORMATS)
    kind = "folder" if path.is_dir() else file_kind(path) if path.is_file() else "unknown"
    for format in FORMATS:
        if format.kind == kind:
            break
    else:
        what = "a single photo" if kind in PHOTO_KINDS else describe_kind(kind)
        raise CaptureError(f"this is {what}; expected {known}", path=path, todo="give one of these")
    with output_errors(folder):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        return format.read(path, folder, config, report)
