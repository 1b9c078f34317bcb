"""What can be set about reading a capture."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CaptureConfig"]


@dataclass(frozen=True)
class CaptureConfig:
    """Which frames are used and what untrusted files may cost."""

    max_size: int = 1600
    """Long side of the working frames [pixels]; larger photos are resized, smaller ones keep their pixels."""
    max_frames: int = 60
    """Frames taken from a video, at most."""
    min_frames: int = 4
    """Distinct frames that a capture needs, at least."""
    max_megapixels: float = 256.0
    """Larger images are left out, decided from the header before decoding."""
    max_files: int = 10_000
    """Files in a folder or zip, at most."""
    max_unpacked_gib: float = 20.0
    """Total size of a zip's contents, at most."""
    max_ratio: float = 200.0
    """Compression ratio of a zip's entries over 1 MiB, at most; photos hardly compress, bombs do."""
