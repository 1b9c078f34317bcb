"""Untrusted photos become working images: upright RGB, and a file of exactly these pixels without metadata."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scan2sim.capture.decoder import Decoder
from scan2sim.capture.decoding import decode_photo, read_bytes
from scan2sim.capture.exif import PhotoTags
from scan2sim.capture.jpeg import strip_metadata
from scan2sim.errors import CaptureError

__all__ = ["Photo", "encode_jpeg", "encode_png", "read_photo"]

JPEG_QUALITY = 95
CHILD_KINDS = ("heif", "avif")


@dataclass(frozen=True)
class Photo:
    """A decoded photo at working size."""

    pixels: NDArray[np.uint8]  # (H, W, 3) RGB
    tags: PhotoTags
    full_size: tuple[int, int]  # [pixels] width, height as stored in the file
    focal_length: float | None  # [pixels] at working size
    encoded: bytes  # JPEG or PNG of exactly these pixels (JPEG: as near as its quality), without metadata
    suffix: str  # of `encoded`: .jpg or .png


def read_photo(
    path: Path,
    kind: str,
    max_size: int,
    max_megapixels: float,
    decoder: Decoder | None = None,  # for HEIC and AVIF
    *,
    upright: bool = True,
) -> Photo:
    """Decode a photo; ``upright=False`` leaves it as it is stored, whatever its orientation tag says.

    A JPEG that needs neither turning nor resizing keeps its pixels bit for bit; PNGs are written as PNG, the rest as
    JPEG of quality 95.

    HEIC and AVIF are decoded in a child process with limits: their decoders are large, young, and had working
    exploits.  JPEG, PNG and WebP stay in the program: Pillow's decoders for these have been fuzzed for a decade, every
    browser trusts them with strangers' files, sizes are checked before they allocate, and a folder of sixty is read in
    seconds because the pixels need not travel between processes.

    Raises:
        CaptureError: too large, damaged, cut off or not readable; ``problem`` is the reason alone.
    """
    try:
        if kind in CHILD_KINDS:
            if decoder is None:
                raise ValueError(f"{kind} needs a decoder process")
            data = b""
            decoded = decoder.photo(path, kind, max_size, max_megapixels, upright)
        else:
            data = read_bytes(path)
            decoded = decode_photo(data, kind, max_size, max_megapixels, upright=upright)
    except CaptureError as error:
        raise CaptureError(error.problem, path=path) from None
    except MemoryError:
        raise CaptureError("too large for this machine's memory", path=path) from None
    except Exception as problem:  # decoders raise every kind of exception on damaged files
        raise CaptureError(f"damaged or cut off ({problem})", path=path) from problem
    encoded = strip_metadata(data) if kind == "jpeg" and decoded.exact else None
    if encoded is None:
        encoded = encode_png(decoded.image) if kind == "png" else encode_jpeg(decoded.image)
    focal = decoded.tags.focal_length and decoded.tags.focal_length * max(decoded.image.size) / max(decoded.full_size)
    suffix = ".png" if kind == "png" else ".jpg"
    return Photo(np.asarray(decoded.image), decoded.tags, decoded.full_size, focal, encoded, suffix)


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG of quality 95 with full colour resolution, no metadata."""
    out = BytesIO()
    fresh = Image.fromarray(np.asarray(image))  # carries no comment
    fresh.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def encode_png(image: Image.Image) -> bytes:
    """PNG without metadata."""
    out = BytesIO()
    Image.fromarray(np.asarray(image)).save(out, "PNG", compress_level=3)  # a fresh image carries no metadata
    return out.getvalue()
