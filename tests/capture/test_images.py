from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from scan2sim.capture.images import read_photo
from scan2sim.capture.jpeg import strip_metadata
from scan2sim.capture.magic import kind_of
from scan2sim.errors import CaptureError
from tests.capture.pictures import picture, write_photo


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write_photo(tmp_path / f"photo.{suffix}", width=160, height=96, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    photo = read_photo(path, suffix.replace("jpg", "jpeg"), 1600, 256)
    np.testing.assert_array_equal(photo.pixels, expected)
    with Image.open(BytesIO(photo.encoded)) as written:
        assert len(written.getexif()) == 0
        assert written.size == (expected.shape[1], expected.shape[0])
        assert np.abs(np.asarray(written, dtype=float) - expected).mean() < 2


def test_large_jpegs_are_decoded_small_and_still_right(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "large.jpg", width=1600, height=1200)
    photo = read_photo(path, "jpeg", 200, 256)
    expected = Image.open(path).resize((200, 150), Image.Resampling.LANCZOS)
    assert photo.pixels.shape == (150, 200, 3)
    assert np.abs(photo.pixels.astype(float) - np.asarray(expected, dtype=float)).mean() < 2


def test_metadata_does_not_survive(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETMAKER"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 12.0)  # GPS latitude
    path = write_photo(tmp_path / "photo.jpg", exif=exif, comment=b"SECRETCOMMENT")
    path.write_bytes(path.read_bytes() + b"SECRETTRAILER")
    photo = read_photo(path, "jpeg", 1600, 256)
    assert b"SECRET" not in photo.encoded
    assert photo.tags.device == "SECRETMAKER"
    np.testing.assert_array_equal(photo.pixels, np.asarray(Image.open(BytesIO(photo.encoded))))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"subsampling": 0}])
def test_stripping_keeps_every_pixel(options: dict[str, object]) -> None:
    out = BytesIO()
    Image.fromarray(picture(1)).save(out, "JPEG", comment=b"x" * 300, **options)
    stripped = strip_metadata(out.getvalue())
    assert stripped is not None
    assert len(stripped) < len(out.getvalue()) - 300
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(stripped))), np.asarray(Image.open(out)))


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def test_pixel_bombs_are_refused_by_their_header(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(_png_header(60_000, 60_000) + b"\0\0\0\0IDAT")
    with pytest.raises(CaptureError, match="60000×60000 pixels; at most 256 megapixels"):
        read_photo(bomb, "png", 1600, 256)
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (59_999).to_bytes(3, "little") * 2
    bomb.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas)
    with pytest.raises(CaptureError, match="60000×60000 pixels"):
        read_photo(bomb, "webp", 1600, 256)
    jpeg = bytearray(write_photo(tmp_path / "bomb.jpg").read_bytes())
    size_at = jpeg.index(b"\xff\xc0") + 5
    jpeg[size_at : size_at + 4] = struct.pack(">HH", 65_000, 65_000)
    bomb.write_bytes(bytes(jpeg))
    with pytest.raises(CaptureError, match="65000×65000 pixels"):
        read_photo(bomb, "jpeg", 1600, 256)


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "photo.jpg")
    with path.open("r+b") as file:
        file.truncate(600 << 20)  # sparse: takes no disk
    with pytest.raises(CaptureError, match="larger than 512 MiB"):
        read_photo(path, "jpeg", 1600, 256)


@pytest.mark.parametrize("lossless", [False, True])
def test_webp_sizes_are_read_from_the_header(tmp_path: Path, lossless: bool) -> None:
    path = write_photo(tmp_path / "photo.webp", width=300, height=200, lossless=lossless)
    assert read_photo(path, "webp", 1600, 256).pixels.shape == (200, 300, 3)
    with pytest.raises(CaptureError, match="300×200"):
        read_photo(path, "webp", 1600, 0.05)


def test_other_colour_modes_become_rgb(tmp_path: Path) -> None:
    grey = Image.fromarray(picture(1)).convert("L")
    grey.save(tmp_path / "grey.jpg", quality=95)
    photo = read_photo(tmp_path / "grey.jpg", "jpeg", 1600, 256)
    assert Image.open(BytesIO(photo.encoded)).mode == "RGB"
    deep = np.asarray(grey).astype(np.uint16) << 8
    Image.fromarray(deep).save(tmp_path / "deep.png")
    photo = read_photo(tmp_path / "deep.png", "png", 1600, 256)
    np.testing.assert_array_equal(photo.pixels[..., 0], np.asarray(grey))


SAMPLES = {}
for _format in ("JPEG", "PNG", "WEBP"):
    _out = BytesIO()
    Image.fromarray(picture(3, 80, 70)).save(_out, _format)
    SAMPLES[_format.lower()] = _out.getvalue()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_damaged_files_are_read_or_refused(kind: str, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(12, len(content)))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "damaged"
        path.write_bytes(bytes(content))
        try:
            photo = read_photo(path, kind, 1600, 256)
        except CaptureError:
            return  # nothing else may be raised
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape[2] == 3


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=80))
def test_any_bytes_are_some_kind(head: bytes) -> None:
    assert isinstance(kind_of(head), str)


def test_kinds() -> None:
    assert [kind_of(SAMPLES[kind]) for kind in ("jpeg", "png", "webp")] == ["jpeg", "png", "webp"]
    assert kind_of(b"\0\0\0\x20ftypisom") == "video"
    assert kind_of(b"\0\0\0\x14ftypqt  ") == "video"
    assert kind_of(b"\0\0\0\x18ftypmif1") == "heif"
    assert kind_of("grüße".encode()) == "text"
    assert kind_of(b"PK\x03\x04") == "zip"
