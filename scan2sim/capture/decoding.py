"""One photo is decoded: size from the header first, RGB out.  HEIC and AVIF only ever in the decoder's child."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from scan2sim.capture.exif import PhotoTags, read_tags
from scan2sim.capture.profiles import as_srgb
from scan2sim.errors import CaptureError

__all__ = ["Decoded", "decode_photo", "read_bytes", "resize_to"]

MAX_FILE_BYTES = 1 << 29
HEIF_THREADS = 1  # several photos are decoded side by side, each in a child of its own
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_QUIET = threading.Lock()  # what is filtered out of warnings belongs to all threads


@dataclass(frozen=True)
class Decoded:
    """The picture of a photo file."""

    image: Image.Image  # RGB, at most `max_size` long
    tags: PhotoTags
    full_size: tuple[int, int]  # [pixels] before resizing and turning
    exact: bool  # the pixels are those of the file: RGB already, neither turned nor resized


def read_bytes(path: Path) -> bytes:
    """The content of a photo file.

    Raises:
        CaptureError: larger than any photo is.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise CaptureError(f"larger than {MAX_FILE_BYTES >> 20} MiB, which no photo is")
    return path.read_bytes()


def decode_photo(data: bytes, kind: str, max_size: int, max_megapixels: float, *, upright: bool = True) -> Decoded:
    """Decode a photo of a known kind and turn it upright, unless it is wanted as it is stored.

    HEIC is turned by what its container says (``irot``, ``imir``), which is the only thing that counts there (ISO/IEC
    23008-12, 6.5.10); the others by EXIF.  Only the primary picture is decoded: gain maps, depth, thumbnails and the
    rest of a burst in the same file are left alone.  Colours come out as sRGB where the profile is a camera's.

    Raises:
        CaptureError: too many or too few pixels.
        Exception: decoders raise every kind of exception on damaged files.
    """
    if kind == "webp":  # its decoder takes memory for the whole canvas when it opens
        _check_size(*_webp_size(data), max_megapixels)
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about damaged EXIF, which counts as absent
        image = _opener(kind)(BytesIO(data))
        full_size = image.size
        _check_size(*full_size, max_megapixels)
        tags = read_tags(image)
    if kind == "jpeg" and max(full_size) > max_size:
        scale = max_size / max(full_size)  # decode at 1/2, 1/4, 1/8 where that is still large enough
        image.draft("RGB", (round(full_size[0] * scale), round(full_size[1] * scale)))
    image.load()
    exact = image.mode == "RGB"
    picture = resize_to(_rgb(image), max_size)
    if image.mode in ("RGB", "RGBA"):  # a profile of others is about their own channels
        wide = picture
        picture = as_srgb(wide, image.info.get("icc_profile"))
        exact &= picture is wide
    if upright and tags.orientation in TURNS:
        picture = picture.transpose(TURNS[tags.orientation])
        exact = False
    return Decoded(picture, tags, full_size, exact and picture.size == full_size)


def _opener(kind: str) -> Callable[[BytesIO], Image.Image]:
    if kind == "heif":
        import pillow_heif  # only ever in the child process

        pillow_heif.options.DECODE_THREADS = HEIF_THREADS
        pillow_heif.options.AUX_IMAGES = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.THUMBNAILS = False
        return pillow_heif.HeifImageFile
    return {"jpeg": JpegImageFile, "png": PngImageFile, "webp": WebPImageFile, "avif": AvifImageFile}[kind]


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
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
