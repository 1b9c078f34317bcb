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
    """Frames taken from a video or a recording of an app, at most."""
    key_frames: bool = False
    """Look at a video's key frames only where there are enough of them: for a quick look."""
    min_frames: int = 4
    """Distinct frames that a capture needs, at least."""
    max_megapixels: float = 256.0
    """Larger images are left out, decided from the header before decoding."""
    max_files: int = 40_000
    """Files in a folder or zip, at most; a minute of an app with depth has up to 11,000."""
    decoder_seconds: float = 10.0
    """Processor time that one HEIC or AVIF photo, depth map or video frame may take to decode [s]."""
    decoder_gib: float = 1.0
    """Memory that decoding HEIC, AVIF, videos and depth maps may take."""
    keep_private: bool = False
    """Keep the names of devices; they are left out otherwise.  Places (GPS) are never copied into a build."""
    max_unpacked_gib: float = 20.0
    """Total size of a zip's contents, at most."""
    max_ratio: float = 200.0
    """Compression ratio of a zip's entries over 1 MiB, at most; photos hardly compress, bombs do."""
    max_splats: int = 4_000_000
    """Gaussians that a file of finished splats may hold; objects are separated with about 1 KiB for each."""
