from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from scan2sim.capture import Capture, CaptureConfig, read_capture
from scan2sim.errors import CaptureError
from tests.capture.pictures import picture, write_photo, write_photos

ASSETS = Path(__file__).parents[2] / "assets" / "captures"


def reasons(capture: Capture) -> dict[str, str]:
    return {file.name: file.reason for file in capture.dropped}


def test_photos_become_frames_in_capture_order(tmp_path: Path) -> None:
    for i in (10, 2, 1, 33):
        write_photo(tmp_path / "photos" / f"IMG_{i}.jpg", seed=i)
    capture = read_capture(tmp_path / "photos", tmp_path / "out")
    assert [frame.name for frame in capture.frames] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_10.jpg", "IMG_33.jpg"]
    assert capture.source == "photos"
    assert capture.dropped == ()
    for frame in capture.frames:
        assert frame.image.parent == tmp_path / "out" / "images"
        with Image.open(frame.image) as image:
            assert image.size == (frame.width, frame.height) == (160, 120)


def test_a_jpeg_that_needs_nothing_keeps_its_pixels(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos")
    capture = read_capture(tmp_path / "photos", tmp_path / "out")
    for frame in capture.frames:
        original = np.asarray(Image.open(tmp_path / "photos" / frame.name))
        np.testing.assert_array_equal(np.asarray(Image.open(frame.image)), original)


def test_png_and_webp_are_read_and_keep_their_names(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 2)
    write_photo(folder / "lossless.png", seed=7)
    write_photo(folder / "phone.webp", seed=8)
    capture = read_capture(folder, tmp_path / "out")
    images = {frame.name: frame.image for frame in capture.frames}
    assert set(images) == {"IMG_0.jpg", "IMG_1.jpg", "lossless.png", "phone.webp"}
    np.testing.assert_array_equal(np.asarray(Image.open(images["lossless.png"])), picture(7))
    with Image.open(images["phone.webp"]) as written:  # COLMAP reads no WebP
        assert written.format == "JPEG"
        decoded = np.asarray(Image.open(folder / "phone.webp").convert("RGB"), dtype=float)
        assert np.abs(np.asarray(written, dtype=float) - decoded).mean() < 3


def test_magic_bytes_decide_and_every_skipped_file_has_a_reason(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 4)
    (folder / "text.jpg").write_text("these are not the pixels you are looking for")
    (folder / "empty.png").write_bytes(b"")
    (folder / "noise.jpeg").write_bytes(bytes(range(1, 32)))
    (folder / "live.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._IMG_0.jpg").write_bytes(b"x")
    shutil.copy(folder / "IMG_0.jpg", folder / "broken.jpg")
    os.truncate(folder / "broken.jpg", 1500)
    write_photo(tmp_path / "jpeg.jpg", seed=9).rename(folder / "no-suffix")
    os.mkfifo(folder / "pipe.jpg")
    capture = read_capture(folder, tmp_path / "out")
    found = reasons(capture)
    assert set(found) == {
        "text.jpg", "empty.png", "noise.jpeg", "live.HEIC", ".DS_Store", "__MACOSX", "broken.jpg", "pipe.jpg"
    }  # fmt: skip
    assert "text" in found["text.jpg"]
    assert "empty" in found["empty.png"]
    assert "not an image" in found["noise.jpeg"]
    assert "damaged or cut off" in found["live.HEIC"]
    assert "hidden" in found[".DS_Store"]
    assert "hidden" in found["__MACOSX"]
    assert "damaged or cut off" in found["broken.jpg"]
    assert "no-suffix.jpg" in [frame.name for frame in capture.frames]


def test_subfolders_are_taken_and_equal_stems_get_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write_photo(folder / "left" / "IMG_1.jpg", seed=1)
    write_photo(folder / "right" / "IMG_1.jpg", seed=2)
    write_photo(folder / "IMG_1.png", seed=3)
    write_photo(folder / "right" / "IMG_2.jpg", seed=4)
    capture = read_capture(folder, tmp_path / "out")
    assert {frame.name for frame in capture.frames} == {"left-IMG_1.jpg", "right-IMG_1.jpg", "IMG_1.png", "IMG_2.jpg"}


def test_of_a_capture_with_masks_only_images_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    write_photos(folder / "images")
    write_photo(folder / "masks" / "IMG_0.png", seed=50)
    (folder / "truth.json").write_text("{}")
    (folder / "LICENSE").write_text("\nMIT License\n\nCopyright\n")
    capture = read_capture(folder, tmp_path / "out")
    assert len(capture.frames) == 4
    assert capture.licence == "MIT License"
    assert "images/" in reasons(capture)["masks/IMG_0.png"]
    assert set(reasons(capture)) == {"masks/IMG_0.png", "truth.json", "LICENSE"}


def test_the_sample_captures(tmp_path: Path) -> None:
    banana = read_capture(ASSETS / "banana", tmp_path / "banana")
    assert len(banana.frames) == 16
    assert banana.device is None
    kept = read_capture(ASSETS / "banana", tmp_path / "kept", CaptureConfig(keep_private=True))
    assert kept.device == "NIKON CORPORATION NIKON D3200"
    assert all(abs((frame.focal_length or 0) - 1998.5) < 1 for frame in banana.frames)
    assert all(frame.flags == () for frame in banana.frames)
    assert banana.frames[1].time == pytest.approx(2.3)
    tabletop = read_capture(ASSETS / "tabletop", tmp_path / "tabletop")
    assert [frame.name for frame in tabletop.frames] == [f"{i:03d}.jpg" for i in range(32)]
    files = sum(path.is_file() for path in (ASSETS / "tabletop").rglob("*"))
    assert len(tabletop.frames) + len(tabletop.dropped) == files


def test_large_photos_are_resized_with_their_focal_length(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    for i in range(4):
        write_photo(folder / f"{i}.jpg", seed=i, width=600, height=400, exif=exif)
    capture = read_capture(folder, tmp_path / "out", CaptureConfig(max_size=300))
    for frame in capture.frames:
        assert (frame.width, frame.height) == (300, 200)
        assert frame.focal_length == pytest.approx(26 / 43.2666 * np.hypot(300, 200), rel=1e-4)


def test_exact_copies_are_dropped_near_copies_are_marked(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 4)
    shutil.copy(folder / "IMG_2.jpg", folder / "IMG_9.jpg")
    brighter = np.clip(picture(1).astype(int) + 3, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).save(folder / "IMG_7.jpg", quality=85)
    capture = read_capture(folder, tmp_path / "out")
    assert reasons(capture) == {"IMG_9.jpg": "the same picture as IMG_2.jpg"}
    near = capture.frames[-1]
    assert near.name == "IMG_7.jpg"
    assert near.flags == ("near-duplicate of IMG_1.jpg",)
    assert near.similarity > 0.99
    assert all(frame.similarity < 0.9 for frame in capture.frames[:4])


def test_thirty_copies_of_one_photo(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for i in range(30):
        write_photo(folder / f"{i}.jpg", seed=1)
    with pytest.raises(CaptureError, match=r"only 1 distinct photo, at least 4 are needed.*the same picture"):
        read_capture(folder, tmp_path / "out")


def test_two_photos(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="only 2 distinct photos, at least 4") as error:
        read_capture(write_photos(tmp_path / "photos", 2), tmp_path / "out")
    assert str(tmp_path / "photos") in str(error.value)
    assert error.value.todo


def test_paths_that_are_no_capture(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(CaptureError, match="no such file"):
        read_capture(tmp_path / "absent", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CaptureError, match="empty"):
        read_capture(tmp_path / "empty", out)
    photo = write_photo(tmp_path / "one.jpg")
    with pytest.raises(CaptureError, match="a single photo; expected a folder"):
        read_capture(photo, out)
    text = tmp_path / "notes.mp4"
    text.write_text("dear diary")
    with pytest.raises(CaptureError, match="text, not an image; expected a folder"):
        read_capture(text, out)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.jpg").write_text("dear diary")
    with pytest.raises(CaptureError, match=r"no readable photo.*a\.jpg: text"):
        read_capture(folder, out)


def test_too_many_files(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 6)
    with pytest.raises(CaptureError, match="more than 5 files"):
        read_capture(folder, tmp_path / "out", CaptureConfig(max_files=5))


def test_blurred_and_dark_photos_are_marked_not_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        image = Image.fromarray(picture(i, 640, 480) // 32 * 32)  # hard edges
        image.save(folder / f"IMG_{i}.jpg", quality=95)
    image = Image.fromarray(picture(20, 640, 480) // 32 * 32)
    image.filter(ImageFilter.GaussianBlur(4)).save(folder / "blurred.jpg", quality=95)
    image.point(lambda value: value * 0.05).save(folder / "dark.jpg", quality=95)
    flags = {frame.name: frame.flags for frame in read_capture(folder, tmp_path / "out").frames}
    assert flags["blurred.jpg"] == ("blurred",)
    assert "dark" in flags["dark.jpg"]
    assert flags["IMG_0.jpg"] == ()
