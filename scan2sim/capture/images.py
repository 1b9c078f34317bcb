"""Untrusted photos are decoded safely: size from the header first, upright RGB out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from scan2sim.capture.exif import PhotoTags, read_tags
from scan2sim.capture.jpeg import strip_metadata
from scan2sim.errors import CaptureError

__all__ = ["Photo", "encode_jpeg", "read_photo", "resize_to"]

JPEG_QUALITY = 95
MAX_FILE_BYTES = 1 << 29
_OPENERS: dict[str, Callable[[BytesIO], Image.Image]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright, at working size."""

    pixels: NDArray[np.uint8]  # (H, W, 3) RGB
    tags: PhotoTags
    focal_length: float | None  # [pixels] at working size
    encoded: bytes  # JPEG or PNG of exactly these pixels (JPEG: as near as its quality), without metadata
    suffix: str  # of `encoded`: .jpg or .png


def read_photo(path: Path, kind: str, max_size: int, max_megapixels: float) -> Photo:
    """Decode a JPEG, PNG or WebP.

    A JPEG that needs neither turning nor resizing keeps its pixels bit for bit; PNGs are written as PNG, the rest as
    JPEG of quality 95.  Colour profiles are not applied.

    Raises:
        CaptureError: too large, damaged, cut off or not readable; ``problem`` is the reason alone.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CaptureError(f"larger than {MAX_FILE_BYTES >> 20} MiB, which no photo is")
        data = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about damaged EXIF, which counts as absent
            return _decode(data, kind, max_size, max_megapixels)
    except CaptureError as error:
        raise CaptureError(error.problem, path=path) from None
    except MemoryError:
        raise CaptureError("too large for this machine's memory", path=path) from None
    except Exception as problem:  # decoders raise every kind of exception on damaged files
        raise CaptureError(f"damaged or cut off ({problem})", path=path) from problem


def _decode(data: bytes, kind: str, max_size: int, max_megapixels: float) -> Photo:
    if kind == "webp":  # its decoder takes memory for the whole canvas when it opens
        _check_size(*_webp_size(data), max_megapixels)
    image = _OPENERS[kind](BytesIO(data))
    full_size = image.size
    _check_size(*full_size, max_megapixels)
    tags = read_tags(image)
    if kind == "jpeg" and max(full_size) > max_size:
        scale = max_size / max(full_size)  # decode at 1/2, 1/4, 1/8 where that is still large enough
        image.draft("RGB", (round(full_size[0] * scale), round(full_size[1] * scale)))
    image.load()
    mode = image.mode
    upright = resize_to(_rgb(image), max_size)
    if tags.orientation in _TURNS:
        upright = upright.transpose(_TURNS[tags.orientation])
    encoded = None
    if kind == "jpeg" and mode == "RGB" and tags.orientation == 1 and upright.size == full_size:
        encoded = strip_metadata(data)
    if encoded is None:
        encoded = _encode_png(upright) if kind == "png" else encode_jpeg(upright)
    focal = tags.focal_length and tags.focal_length * max(upright.size) / max(full_size)
    return Photo(np.asarray(upright), tags, focal, encoded, ".png" if kind == "png" else ".jpg")


def _check_size(width: int, height: int, max_megapixels: float) -> None:
    if width * height > max_megapixels * 1e6:
        raise CaptureError(f"{width}×{height} pixels; at most {max_megapixels:g} megapixels are read")
    if min(width, height) < 64:
        raise CaptureError(f"only {width}×{height} pixels, too small to be a photo")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas size from a WebP's header (RFC 9649)."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise CaptureError("damaged or cut off")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def resize_to(image: Image.Image, max_size: int) -> Image.Image:
    """The image with its long side at most ``max_size``."""
    scale = max_size / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG of quality 95 with full colour resolution, no metadata."""
    out = BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def _encode_png(image: Image.Image) -> bytes:
    out = BytesIO()
    Image.fromarray(np.asarray(image)).save(out, "PNG", compress_level=3)  # a fresh image carries no metadata
    return out.getvalue()
