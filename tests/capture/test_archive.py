from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.capture import CaptureConfig, read_capture
from scan2sim.errors import CaptureError
from tests.capture.pictures import write_photos


def make_zip(path: Path, photos: Path, extra: Mapping[Any, bytes] | None = None) -> Path:
    """A zip of photos in a folder, and further entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for photo in sorted(photos.iterdir()):
            archive.write(photo, f"scan/{photo.name}")
        for entry, content in (extra or {}).items():
            archive.writestr(entry, content)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def test_a_zip_is_read_like_its_folder(tmp_path: Path, photos: Path) -> None:
    junk = {"__MACOSX/scan/._IMG_0.jpg": b"x", "scan/notes.txt": b"a nice day"}
    capture = read_capture(make_zip(tmp_path / "scan.zip", photos, junk), tmp_path / "out")
    assert [frame.name for frame in capture.frames] == [f"IMG_{i}.jpg" for i in range(4)]
    assert {file.name for file in capture.dropped} == {"__MACOSX", "scan/notes.txt"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["images"]  # nothing unpacked remains


def refused(tmp_path: Path, path: Path, match: str, config: CaptureConfig = CaptureConfig()) -> None:  # noqa: B008
    """The zip is refused with a message that names it, and nothing was written outside the output folder."""
    before = {file for file in tmp_path.rglob("*") if "out" not in file.parts}
    with pytest.raises(CaptureError, match=match) as error:
        read_capture(path, tmp_path / "out", config)
    assert path.name in str(error.value)
    assert before == {file for file in tmp_path.rglob("*") if "out" not in file.parts}
    assert [file for file in (tmp_path / "out").rglob("*") if file.is_file()] == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.jpg", "points outside"),
        ("scan/../../evil.jpg", "points outside"),
        ("/tmp/evil.jpg", "absolute path"),
        ("C:/evil.jpg", "absolute path"),
        ("\\\\server\\evil.jpg", "absolute path"),
        ("..\\evil.jpg", "points outside"),
        ("scan\\evil.jpg", "no file name"),
        ("scan/ev\nil.jpg", "no file name"),
        ("scan/" + "x" * 300, "no file name"),
        ("scan/IMG_0.jpg/inside.jpg", "lies in a file"),
    ],
)
def test_dangerous_names(tmp_path: Path, photos: Path, name: str, reason: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    refused(tmp_path, make_zip(tmp_path / "evil.zip", photos, {info: b"evil"}), reason)


@pytest.mark.parametrize(("kind", "reason"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "special file")])
def test_links_and_devices(tmp_path: Path, photos: Path, kind: int, reason: str) -> None:
    info = zipfile.ZipInfo("scan/link.jpg")
    info.external_attr = (kind | 0o644) << 16
    refused(tmp_path, make_zip(tmp_path / "links.zip", photos, {info: b"/etc/passwd"}), reason)


def test_encrypted_entries(tmp_path: Path, photos: Path) -> None:
    path = make_zip(tmp_path / "secret.zip", photos)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    refused(tmp_path, path, "“scan/IMG_0.jpg” is encrypted")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_path_twice(tmp_path: Path, photos: Path) -> None:
    refused(tmp_path, make_zip(tmp_path / "twice.zip", photos, {"scan/IMG_1.jpg": b"other"}), "is there twice")


def test_compression_bombs(tmp_path: Path, photos: Path) -> None:
    refused(tmp_path, make_zip(tmp_path / "bomb.zip", photos, {"scan/bomb.jpg": bytes(8 << 20)}), "like a zip bomb")


def test_bombs_of_many_small_entries(tmp_path: Path) -> None:
    path = tmp_path / "swarm.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"{i}.jpg", bytes(1 << 20))
    refused(tmp_path, path, "like a zip bomb")


def test_total_size_and_count(tmp_path: Path, photos: Path) -> None:
    path = make_zip(tmp_path / "scan.zip", photos)
    refused(tmp_path, path, "unpacks to 0.0 GiB; at most 1e-05", CaptureConfig(max_unpacked_gib=1e-5))
    refused(tmp_path, path, "more than 3 files in the zip", CaptureConfig(max_files=3))


def test_other_compression_methods(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "lzma.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.write(photos / "IMG_0.jpg")
    refused(tmp_path, path, "other than deflate")


def test_directories_too_large_to_read_are_refused_from_the_end_record(tmp_path: Path, photos: Path) -> None:
    path = make_zip(tmp_path / "huge.zip", photos)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\x05\x06") + 12, 3_000_000_000)
    path.write_bytes(bytes(data))
    refused(tmp_path, path, "more than 40000 files")


def test_a_zip64_zip_is_read(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for photo in sorted(photos.iterdir()):
            with archive.open(photo.name, "w", force_zip64=True) as entry:
                entry.write(photo.read_bytes())
    assert len(read_capture(path, tmp_path / "out").frames) == 4


def test_an_entry_larger_than_it_says(tmp_path: Path, photos: Path) -> None:
    path = make_zip(tmp_path / "liar.zip", photos)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 100)  # uncompressed size in the directory
    path.write_bytes(bytes(data))
    with pytest.raises(CaptureError, match=r"liar\.zip.*“scan/IMG_0\.jpg” is"):
        read_capture(path, tmp_path / "out")


def test_a_cut_zip(tmp_path: Path, photos: Path) -> None:
    path = make_zip(tmp_path / "cut.zip", photos)
    path.write_bytes(path.read_bytes()[:3000])
    refused(tmp_path, path, "not a whole zip.*download it again")


def test_an_empty_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    refused(tmp_path, tmp_path / "empty.zip", "it is empty; expected photos")


@pytest.mark.parametrize("suffix", [".zip", ".r3d"])
def test_a_hundred_thousand_entries_are_refused_from_the_directory_alone(tmp_path: Path, suffix: str) -> None:
    """Written by hand: 100,000 directory entries that all point at one small file."""
    name = b"rgbd/0.jpg"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 4, 4, len(name), 0) + name + b"data"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 4, 4, len(name), 0, 0, 0, 0, 0, 0) + name
    count = 100_000
    directory = entry * count
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), len(local))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(local) + len(directory), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path = tmp_path / f"many{suffix}"
    path.write_bytes(local + directory + end64 + locator + end)
    refused(tmp_path, path, "more than 40000 files in the zip")


@pytest.mark.parametrize("evil", ["../metadata", "/etc/metadata", "link", "bomb"])
def test_a_recording_with_an_evil_entry_is_refused_like_any_zip(tmp_path: Path, photos: Path, evil: str) -> None:
    info = zipfile.ZipInfo("metadata")
    info.compress_type = zipfile.ZIP_DEFLATED
    content = b"{}"
    if evil == "link":
        info.external_attr = (stat.S_IFLNK | 0o644) << 16
    elif evil == "bomb":
        content = bytes(8 << 20)
    else:
        info.filename = evil
    path = make_zip(tmp_path / "evil.r3d", photos, {info: content})
    refused(tmp_path, path, "points outside|absolute path|is a link|like a zip bomb")


def _small_zip() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", b"abcdefgh" * 20)
        archive.writestr("b/c.jpg", b"01234567" * 20)
    return out.getvalue()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(4, len(_small_zip()) - 1), st.integers(0, 255)), max_size=6))
def test_damaged_zips_give_a_capture_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(_small_zip())
    for at, value in changes:
        data[at] = value
    with TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.zip"
        path.write_bytes(bytes(data))
        with pytest.raises(CaptureError):  # the undamaged one holds no photo either
            read_capture(path, Path(folder) / "out")
        assert {file.name for file in Path(folder).iterdir()} <= {"damaged.zip", "out"}
