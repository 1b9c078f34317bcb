from __future__ import annotations

import zipfile
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.capture.decoder import Decoder
from scan2sim.capture.images import read_photo
from scan2sim.capture.magic import file_kind
from scan2sim.capture.privacy import remove_private
from scan2sim.errors import CaptureError
from scan2sim.library import Library
from tests.capture.make_video import write_video
from tests.capture.pictures import picture


def tagged() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "SECRETMAKER", "SECRETPHONE", 6
    exif.get_ifd(0x8769).update({0xA405: 26, 0x9003: "2026:05:04 10:00:00", 0x927C: b"SECRETNOTE", 0xA431: "SECRETNO"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 12.0), 0x1D: "SECRETDATE"})
    return exif


def write(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture(seed, 160, 96))
    if path.suffix == ".heic":
        pillow_heif.from_pillow(image).save(
            path, exif=tagged().tobytes(), xmp=b"<SECRETXMP/>", enc_params={"preset": "ultrafast"}
        )
    else:
        image.save(path, exif=tagged(), quality=90, comment=b"SECRETCOMMENT")
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".heic", ".avif"])
def test_what_is_private_goes_and_the_picture_stays(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"photo{suffix}")
    assert b"SECRET" in path.read_bytes()
    with Decoder(CaptureConfig()) as decoder:
        before = read_photo(path, file_kind(path), 1600, 256, decoder)
        assert before.tags.device is not None
        remove_private(path)
        after = read_photo(path, file_kind(path), 1600, 256, decoder)
    assert b"SECRET" not in path.read_bytes()
    assert after.tags.device is None
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert after.pixels.shape == before.pixels.shape
    assert after.focal_length == before.focal_length is not None
    assert after.tags.time == before.tags.time is not None
    with Image.open(path) if suffix != ".heic" else pillow_heif.open_heif(path).to_pillow() as image:
        assert not image.getexif().get_ifd(0x8825)


def test_videos_lose_their_place(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [picture(seed) for seed in range(6)], rotation=90)
    with av.open(str(path)) as source, av.open(str(tmp_path / "tagged.mov"), "w") as target:
        target.metadata["location"] = "+48.1+011.5+SECRET/"
        target.metadata["com.apple.quicktime.model"] = "SECRETPHONE"
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.metadata["handler_name"] = "Core Media Video"
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    path = tmp_path / "tagged.mov"
    before = read_capture(path, tmp_path / "before")
    assert b"SECRET" in path.read_bytes()
    remove_private(path)
    assert b"SECRET" not in path.read_bytes()
    after = read_capture(path, tmp_path / "after")
    assert [frame.name for frame in after.frames] == [frame.name for frame in before.frames]
    for old, new in zip(before.frames, after.frames, strict=True):
        assert old.image.read_bytes() == new.image.read_bytes()


def test_the_library_keeps_nothing_private_unless_asked(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / "mug" / f"{i}.jpg", seed=i)
    (entry,) = Library(tmp_path / "library").upload([tmp_path / "mug"])
    assert not any(b"SECRET" in file.read_bytes() for file in entry.folder.rglob("*") if file.is_file())
    assert Library(tmp_path / "library").upload([tmp_path / "mug"]) == (entry,)
    (kept,) = Library(tmp_path / "library").upload([tmp_path / "mug"], "kept", keep_private=True)
    assert b"SECRET" in (kept.capture / "0.jpg").read_bytes()


def test_damaged_files_stay_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for suffix in (".jpg", ".png", ".webp", ".heic", ".avif"):
        whole = write(tmp_path / f"whole{suffix}").read_bytes()
        for i in range(40):
            data = bytearray(whole[: int(rng.integers(16, len(whole)))])
            for _ in range(4):
                data[int(rng.integers(12, len(data)))] = int(rng.integers(256))
            path = tmp_path / f"damaged{i}{suffix}"
            path.write_bytes(bytes(data))
            remove_private(path)
            assert path.stat().st_size > 0


def test_zips_lose_it_too(tmp_path: Path) -> None:
    """Photos in the library's copy of a zip hold no place and are the same pictures; other files stay as they are."""
    names = [write(tmp_path / "photos" / f"{seed}.jpg", seed).name for seed in range(5)]
    given = tmp_path / "given.zip"
    with zipfile.ZipFile(given, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.write(tmp_path / "photos" / name, f"walk/{name}")
        archive.writestr("walk/LICENSE", "Some licence")
    assert b"SECRET" in given.read_bytes()
    (entry,) = Library(tmp_path / "library").upload([given])
    assert b"SECRET" not in entry.capture.read_bytes()
    assert b"SECRET" in given.read_bytes()
    with zipfile.ZipFile(entry.capture) as archive:
        assert archive.testzip() is None
        assert archive.read("walk/LICENSE") == b"Some licence"
        assert sorted(archive.namelist()) == [*(f"walk/{name}" for name in names), "walk/LICENSE"]
    before, after = (read_capture(path, tmp_path / str(i)) for i, path in enumerate((given, entry.capture)))
    for old, new in zip(before.frames, after.frames, strict=True):
        assert old.image.read_bytes() == new.image.read_bytes()
    (kept,) = Library(tmp_path / "other").upload([given], keep_private=True)
    assert kept.capture.read_bytes() == given.read_bytes()
    assert Library(tmp_path / "library").upload([given])[0].digests == entry.digests  # again: known


def test_an_unsafe_zip_is_not_uploaded(tmp_path: Path) -> None:
    given = tmp_path / "given.zip"
    with zipfile.ZipFile(given, "w") as archive:
        archive.writestr("../../escaped.txt", "x")
    with pytest.raises(CaptureError, match="outside the zip"):
        Library(tmp_path / "library").upload([given])
    assert not (tmp_path / "library" / "given").exists()
