"""Bad input through the command line: one clear message, exit code 2, no traceback, nothing half-written."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan2sim.cli import main

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "assets" / "captures" / "tabletop" / "images" / "000.jpg"
Said = pytest.CaptureFixture[str]


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def text_named_jpg(folder: Path) -> Path:
    folder.mkdir()
    for i in range(5):
        (folder / f"{i}.jpg").write_text("not a photo")
    return folder


def truncated_jpeg(folder: Path) -> Path:
    folder.mkdir()
    for i in range(5):
        (folder / f"{i}.jpg").write_bytes(PHOTO.read_bytes()[:3000])
    return folder


def truncated_mp4(folder: Path) -> Path:
    folder.mkdir()
    video = folder / "film.mp4"
    video.write_bytes(b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(5000))
    return video


def two_photos(folder: Path) -> Path:
    folder.mkdir()
    for name in ("000.jpg", "008.jpg"):
        shutil.copy(PHOTO.parent / name, folder / name)
    return folder


def thirty_copies(folder: Path) -> Path:
    folder.mkdir()
    with Image.open(PHOTO) as photo:
        photo.resize((120, 90)).save(folder / "0.png")
    for i in range(1, 30):
        shutil.copy(folder / "0.png", folder / f"{i}.png")
    return folder


def zip_that_climbs(folder: Path) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "bad.zip", "w") as archive:
        for i in range(5):
            archive.write(PHOTO, f"../../{i}.jpg")
    return folder / "bad.zip"


def nothing_there(folder: Path) -> Path:
    return folder


MAKERS = [
    empty,
    text_named_jpg,
    truncated_jpeg,
    truncated_mp4,
    two_photos,
    thirty_copies,
    zip_that_climbs,
    nothing_there,
]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_capture_that_cannot_be_built(maker, tmp_path: Path, capfd: Said) -> None:
    source = maker(tmp_path / "capture")
    before = sorted(tmp_path.rglob("*"))
    assert main(["build", str(source), "-o", str(tmp_path / "out" / "build")]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    (line,) = [line for line in said.err.splitlines() if line.startswith("scan2sim: ")]
    assert "capture" in line
    assert "Traceback" not in said.err
    assert sorted(tmp_path.rglob("*")) == before
    assert main(["build", str(source), "-o", str(tmp_path / "out" / "build"), "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["problem"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("000.jpg", "008.jpg", "016.jpg", "024.jpg"):
        with Image.open(PHOTO.parent / name) as photo:
            photo.resize((160, 120)).save(folder / name)
    return folder


def test_photos_of_different_sizes_are_taken(photos: Path, tmp_path: Path, capfd: Said) -> None:
    with Image.open(PHOTO.parent / "004.jpg") as photo:
        photo.resize((90, 120)).save(photos / "004.jpg")
    assert main(["build", str(photos), "-o", str(tmp_path / "build"), "--until", "capture", "--json"]) == 0
    record = json.loads((tmp_path / "build" / "01-capture" / "stage.json").read_text())
    assert record["figures"]["frames"] == 5


def test_photos_that_show_nothing_in_common(photos: Path, tmp_path: Path, capfd: Said) -> None:
    rng = np.random.default_rng(0)
    for path in photos.iterdir():
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(path, quality=95)
    assert main(["build", str(photos), "-o", str(tmp_path / "build")]) == 2
    said = capfd.readouterr()
    assert said.err.count("scan2sim: ") == 1
    left = {".lock", "01-capture", "build.log", "worst-photos.jpg"}
    assert {path.name for path in (tmp_path / "build").iterdir()} == left


def test_a_file_in_place_of_the_output_folder(photos: Path, tmp_path: Path, capfd: Said) -> None:
    (tmp_path / "out").write_text("a file")
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        assert main(["build", str(photos), "-o", str(out)]) == 2
        assert "a file stands where a folder is needed" in capfd.readouterr().err
    assert (tmp_path / "out").read_text() == "a file"


@pytest.fixture
def disk(tmp_path: Path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(photos: Path, disk: Path, capfd: Said) -> None:
    for i in range(8):
        shutil.copy(PHOTO.parent / f"{4 * i:03}.jpg", photos / f"{4 * i:03}.jpg")
    assert main(["build", str(photos), "-o", str(disk / "build")]) == 2
    said = capfd.readouterr().err
    assert "the disk is full" in said
    assert said.count("scan2sim: ") == 1
    assert list(disk.iterdir()) == []


def test_a_read_only_disk(photos: Path, disk: Path, capfd: Said) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert main(["build", str(photos), "-o", str(disk / "build")]) == 2
    assert "read-only" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "read-only"), (errno.ENOSPC, "full"), (errno.EACCES, "permission")]
)
def test_an_output_that_cannot_be_written(
    photos: Path, tmp_path: Path, capfd: Said, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """The same without mounting anything: making folders fails."""
    make = Path.mkdir

    def refuse(path: Path, *arguments, **options) -> None:
        if path.is_relative_to(tmp_path / "out"):
            raise OSError(number, "refused", str(path))
        make(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["build", str(photos), "-o", str(tmp_path / "out")]) == 2
    assert words in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
