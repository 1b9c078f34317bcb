"""HEIC and AVIF photos, written with other packages than ours read them with where there is one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.images import read_photo
from scan2sim.capture.magic import file_kind
from scan2sim.errors import CaptureError
from tests.capture.make_video import write_video
from tests.capture.pictures import picture, write_photo

FOCAL_35MM, GPS, MAKE = 0xA405, 0x8825, 0x010F
TURNS = {1: 0, 3: 2, 6: -1, 8: 1}  # EXIF orientation: quarter turns counter-clockwise that make it upright


def iphone_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[MAKE], exif[0x0110] = "Apple", "iPhone 15 Pro"
    exif.get_ifd(0x8769).update({FOCAL_35MM: 24, 0x9003: "2026:05:04 10:00:00"})
    exif.get_ifd(GPS)[2] = (48.0, 8.0, 12.0)
    return exif


def write_heic(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    fast = {"preset": "ultrafast"}
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, quality=95, chroma=444, enc_params=fast, **options)
    return path


def write_avif(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95, subsampling="4:4:4", speed=9, **options)
    return path


def test_an_iphone_set_is_read(tmp_path: Path) -> None:
    for i in range(5):
        exif = iphone_exif()
        exif.get_ifd(0x8769)[0x9003] = f"2026:05:04 10:00:{2 * i:02d}"
        write_heic(tmp_path / "set" / f"IMG_{i}.HEIC", picture(i, 320, 240), exif=exif.tobytes())
    capture = read_capture(tmp_path / "set", tmp_path / "out")
    assert [frame.name for frame in capture.frames] == [f"IMG_{i}.jpg" for i in range(5)]
    assert capture.dropped == ()
    assert capture.device is None
    for i, frame in enumerate(capture.frames):
        with Image.open(frame.image) as image:
            assert image.format == "JPEG"
            assert len(image.getexif()) == 0
            assert np.abs(np.asarray(image, dtype=float) - picture(i, 320, 240)).mean() < 4
        assert frame.time == 2.0 * i
        assert frame.focal_length == pytest.approx(24 / 43.2666 * 400, rel=1e-4)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["heif", "avif"])
def test_orientation_counts_once(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = picture(3, 160, 96)
    stored = np.ascontiguousarray(np.rot90(upright, -TURNS[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    write = write_heic if kind == "heif" else write_avif
    path = write(tmp_path / f"photo.{kind}", stored, exif=exif.tobytes())
    assert file_kind(path) == kind
    with Decoder(CaptureConfig()) as decoder:
        photo = read_photo(path, kind, 1600, 256, decoder)
    assert photo.pixels.shape == upright.shape
    assert np.abs(photo.pixels.astype(float) - upright).mean() < 4


def test_only_the_primary_picture_counts(tmp_path: Path) -> None:
    heif = pillow_heif.HeifFile()
    for i, size in enumerate([(160, 96), (320, 240), (128, 128)]):
        heif.add_from_pillow(Image.fromarray(picture(i, *size)))
    heif.save(tmp_path / "burst.heic", quality=95, primary_index=1)
    with Decoder(CaptureConfig()) as decoder:
        photo = read_photo(tmp_path / "burst.heic", "heif", 1600, 256, decoder)
    assert np.abs(photo.pixels.astype(float) - picture(1, 320, 240)).mean() < 6


def test_live_photos_and_bursts(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for i in range(4):
        write_heic(folder / f"IMG_{i}.HEIC", picture(i))
        write_video(folder / f"IMG_{i}.MOV", [picture(i)] * 3)
    write_video(folder / "other.mov", [picture(9)] * 3)
    nearly = np.clip(picture(3).astype(int) + 2, 0, 255).astype(np.uint8)
    write_heic(folder / "IMG_4_BURST.HEIC", nearly)
    capture = read_capture(folder, tmp_path / "out")
    assert len(capture.frames) == 5
    reasons = {file.name: file.reason for file in capture.dropped}
    assert all("Live Photo" in reasons[f"IMG_{i}.MOV"] for i in range(4))
    assert "build it by itself" in reasons["other.mov"]
    assert capture.frames[4].flags == ("near-duplicate of IMG_3.jpg",)


def test_sizes_are_refused_before_decoding(tmp_path: Path) -> None:
    path = write_heic(tmp_path / "p.heic", picture(0, 640, 480))
    with Decoder(CaptureConfig()) as decoder, pytest.raises(CaptureError, match=r"640×480 pixels; at most 0\.1"):
        read_photo(path, "heif", 1600, 0.1, decoder)


def test_a_photo_that_needs_too_much_memory_costs_only_itself(tmp_path: Path) -> None:
    large = write_heic(tmp_path / "large.heic", np.zeros((1500, 2000, 3), np.uint8))
    small = write_heic(tmp_path / "small.heic", picture(0))
    with Decoder(CaptureConfig(decoder_gib=0.01)) as decoder:
        with pytest.raises(CaptureError, match=r"large\.heic: "):
            read_photo(large, "heif", 1600, 256, decoder)
        assert read_photo(small, "heif", 1600, 256, decoder).pixels.shape == (120, 160, 3)


def test_a_killed_decoder_costs_one_photo(tmp_path: Path) -> None:
    path = write_heic(tmp_path / "p.heic", picture(0))
    with Decoder(CaptureConfig()) as decoder:
        read_photo(path, "heif", 1600, 256, decoder)
        child = decoder.process_id
        assert child is not None
        os.kill(child, 11)
        while Path(f"/proc/{child}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert read_photo(path, "heif", 1600, 256, decoder).pixels.shape == (120, 160, 3)
        assert decoder.process_id != child
    assert decoder.process_id is None


def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    path = write_heic(tmp_path / "slow.heic", pixels)
    refused = pytest.raises(CaptureError, match=r"slow\.heic: took more than 0\.02 s to decode")
    with Decoder(CaptureConfig(decoder_seconds=0.02)) as decoder, refused:
        read_photo(path, "heif", 1600, 256, decoder)


def test_only_screenshots(tmp_path: Path) -> None:
    for i in range(4):
        exif = Image.Exif()
        exif[0x0131] = "iOS"  # Pillow writes no EXIF that holds nothing else
        exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0Screenshot"
        write_photo(tmp_path / "set" / f"IMG_{i}.png", seed=i, exif=exif)
    with pytest.raises(CaptureError, match="all 4 pictures are screenshots"):
        read_capture(tmp_path / "set", tmp_path / "out")
    write_photo(tmp_path / "set" / "photo.jpg", seed=9)
    assert "4 of 5 pictures are screenshots" in read_capture(tmp_path / "set", tmp_path / "out2").warnings


def test_two_devices(tmp_path: Path) -> None:
    for i in range(6):
        exif = Image.Exif()
        exif[0x0110] = "PHONEONE" if i < 4 else "PHONETWO"
        write_photo(tmp_path / "set" / f"{i}.jpg", seed=i, exif=exif)
    (warning,) = read_capture(tmp_path / "set", tmp_path / "out").warnings
    assert "2 devices (4, 2 photos)" in warning
    assert "PHONE" not in warning
