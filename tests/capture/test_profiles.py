"""Photos tagged Display P3, as phones write them, come out as sRGB; held to a profile engine."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from scan2sim.capture import CaptureConfig
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.images import read_photo
from scan2sim.capture.profiles import as_srgb
from tests.capture.pictures import picture

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))  # SMPTE EG 432-1, D50
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(65536 * value)) for value in values)


def profile(colours: tuple[tuple[float, ...], ...] = P3, curve: bytes | None = None) -> bytes:
    """A display profile, written from ICC.1:2022."""
    curve = curve or b"para" + struct.pack(">IHH", 0, 3, 0) + fixed(*SRGB_CURVE)
    tags = {f"{c}XYZ".encode(): b"XYZ " + bytes(4) + fixed(*xyz) for c, xyz in zip("rgb", colours, strict=True)}
    tags |= {f"{c}TRC".encode(): curve for c in "rgb"}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)
    for name in (b"desc", b"cprt"):
        tags[name] = b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", 4, 28) + "P3".encode("utf-16-be")
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04000000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s4sIIIIIiiI", 2024, 1, 1, 0, 0, 0, b"acsp", bytes(4), 0, 0, 0, 0, 0, 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def by_engine(pixels: np.ndarray, icc: bytes) -> np.ndarray:
    """The same by LittleCMS."""
    source, target = ImageCms.ImageCmsProfile(BytesIO(icc)), ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    turned = ImageCms.profileToProfile(Image.fromarray(pixels), source, target, renderingIntent=intent)
    assert turned is not None
    return np.asarray(turned)


@pytest.mark.parametrize(
    "curve",
    [
        None,
        b"para" + struct.pack(">IHH", 0, 0, 0) + fixed(2.2),
        b"curv" + struct.pack(">IIH", 0, 1, 461) + bytes(2),
        b"curv"
        + struct.pack(">II", 0, 256)
        + b"".join(struct.pack(">H", round(65535 * (i / 255) ** 2)) for i in range(256)),
    ],
    ids=["sRGB", "gamma", "short gamma", "table"],
)
def test_colours_are_those_of_a_profile_engine(curve: bytes | None) -> None:
    pixels, icc = picture(5, 96, 80), profile(curve=curve)
    found = np.asarray(as_srgb(Image.fromarray(pixels), icc)).astype(int)
    bright = pixels.min(-1) > 8  # next to black engines round in their own ways
    assert np.abs(found - by_engine(pixels, icc))[bright].max() <= 2
    assert np.abs(found - pixels).max() > 5


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "heic"])
def test_a_phones_photo_loses_its_wide_gamut_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((80, 96, 3), (200, 100, 60), np.uint8)
    icc, path = profile(), tmp_path / f"photo.{suffix}"
    if suffix == "heic":
        pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, icc_profile=icc)
    else:
        Image.fromarray(pixels).save(path, icc_profile=icc, quality=95)
    kind = {"jpg": "jpeg", "heic": "heif"}.get(suffix, suffix)
    with Decoder(CaptureConfig()) as decoder:
        photo = read_photo(path, kind, 1600, 256, decoder)
    assert np.abs(photo.pixels.astype(int) - by_engine(pixels, icc)).max() <= 6
    assert np.abs(photo.pixels.astype(int) - pixels).max() > 10
    with Image.open(BytesIO(photo.encoded)) as written:
        assert "icc_profile" not in written.info
        assert np.abs(np.asarray(written).astype(int) - photo.pixels).max() <= 6


def test_srgb_and_what_is_no_matrix_stay_bit_for_bit() -> None:
    image = Image.fromarray(picture(5, 96, 80))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert as_srgb(image, srgb) is image
    whole = profile()
    rng = np.random.default_rng(0)
    for icc in (None, b"", b"no profile", whole[:140], whole.replace(b"rTRC", b"xTRC"), rng.bytes(4000)):
        assert as_srgb(image, icc) is image
    for _ in range(200):  # damaged ones give some picture
        broken = bytearray(whole)
        broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
        assert as_srgb(image, bytes(broken)).size == image.size
