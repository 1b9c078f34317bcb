"""The library: names, copies that are whole or absent, and what a person means by a word."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scan2sim.errors import CaptureError, OutputError, SceneError, UsageError
from scan2sim.library import Library, identifier


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def photos(folder: Path, count: int = 3, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        Image.fromarray(rng.integers(0, 255, (8, 12, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def mug(tmp_path: Path) -> Path:
    return photos(tmp_path / "My Mug")


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_identifiers_are_names_and_stay_what_they_are(text: str) -> None:
    name = identifier(text)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 0 < len(name) <= 64
    assert identifier(name) == name


def test_a_folder_is_copied_whole(library: Library, mug: Path) -> None:
    (mug / ".DS_Store").write_text("not part of it")
    (entry,) = library.upload([mug])
    assert entry.name == "my-mug"
    assert [file.name for file in sorted(entry.capture.iterdir())] == ["0.png", "1.png", "2.png"]
    assert (entry.capture / "1.png").read_bytes() == (mug / "1.png").read_bytes()
    assert library.entries() == (entry,)
    assert "my-mug" in library
    assert not list(library.folder.glob(".*"))


def test_a_zip_stays_a_zip(library: Library, mug: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cup.zip", "w") as archive:
        archive.write(mug / "0.png", "0.png")
    (entry,) = library.upload([tmp_path / "cup.zip"])
    assert entry.capture == library.folder / "cup" / "capture" / "cup.zip"
    assert entry.capture.is_file()


def test_several_photos_are_one_capture(library: Library, mug: Path) -> None:
    (entry,) = library.upload([mug / "0.png", mug / "2.png"])
    assert entry.name == "my-mug"
    assert sorted(entry.digests) == ["0.png", "2.png"]
    (single,) = library.upload([mug / "1.png"], "single")
    assert single.capture.is_dir()


def test_several_folders_are_several_captures(library: Library, mug: Path, tmp_path: Path) -> None:
    other = photos(tmp_path / "plate", seed=1)
    assert [entry.name for entry in library.upload([mug, other])] == ["my-mug", "plate"]
    with pytest.raises(UsageError, match="2 captures"):
        library.upload([mug, other], "both")
    with pytest.raises(UsageError, match="photos and other captures"):
        library.upload([mug / "0.png", other])


def test_the_same_capture_again_is_no_error_another_one_is(library: Library, mug: Path, tmp_path: Path) -> None:
    (entry,) = library.upload([mug])
    assert library.upload([mug]) == (entry,)
    other = photos(tmp_path / "other", seed=1)
    with pytest.raises(UsageError, match=r"another capture called “my-mug”.*--name"):
        library.upload([other], "my-mug")
    assert library.entries() == (entry,)


def test_what_is_no_capture_is_refused(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.jpg").write_text("not a photo")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "notes.jpg").write_text("not a photo")
    for path in (tmp_path / "empty", tmp_path / "notes.jpg", tmp_path / "two"):
        with pytest.raises(CaptureError, match=path.name):
            library.upload([path])
    with pytest.raises(UsageError, match="no such file"):
        library.upload([tmp_path / "absent"])
    assert not library.folder.exists()


def test_names_are_checked(library: Library, mug: Path) -> None:
    for name in ("../outside", "With Capitals", "", "a/b"):
        with pytest.raises(UsageError):
            library.upload([mug], name)
    assert library.entries() == ()


def test_other_peoples_folders_are_left_alone(library: Library, mug: Path) -> None:
    (library.folder / "my-mug").mkdir(parents=True)
    (library.folder / "my-mug" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="no entry of the library"):
        library.upload([mug])
    assert (library.folder / "my-mug" / "thesis.txt").read_text() == "mine"


def test_names_that_are_no_text(library: Library, mug: Path) -> None:
    strange = os.fsdecode(b"\xff\xfe.png")
    (mug / "0.png").rename(mug / strange)
    (entry,) = library.upload([mug])
    assert strange in entry.digests
    assert (entry.capture / strange).read_bytes() == (mug / strange).read_bytes()


def test_a_full_disk_leaves_nothing(mug: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        (mug / "big.png").write_bytes((mug / "0.png").read_bytes() + bytes(1 << 20))
        with pytest.raises(OutputError, match="disk is full"):
            Library(disk / "library").upload([mug])
        assert [path for path in disk.rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_what_a_word_means(library: Library, mug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mug.parent)
    (entry,) = library.upload([mug])
    assert library.capture_of("my-mug") == (entry.capture, entry.build)
    photos(Path("my-mug"))
    assert library.capture_of("my-mug") == (entry.capture, entry.build)
    assert library.capture_of("./my-mug") == (Path("my-mug"), Path("outputs/my-mug"))
    assert library.capture_of("My Mug") == (Path("My Mug"), Path("outputs/my-mug"))
    with pytest.raises(UsageError, match="did you mean my-mug"):
        library.capture_of("my-mog")


def test_where_scenes_are_found(library: Library, mug: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (entry,) = library.upload([mug])
    with pytest.raises(SceneError, match=r"no scene here yet.*scan2sim build my-mug"):
        library.scene_of("my-mug")
    scene = entry.build / "scene"
    scene.mkdir(parents=True)
    (scene / "scene.json").write_text("{}")
    assert library.scene_of("my-mug") == library.scene_of(str(entry.build)) == library.scene_of(str(scene)) == scene
    shutil.copytree(entry.build, tmp_path / "outputs" / "teapot")
    with pytest.raises(UsageError, match="outputs/teapot"):
        library.scene_of("outputs/teapo")


def test_a_damaged_entry_is_named(library: Library, mug: Path) -> None:
    (entry,) = library.upload([mug])
    (entry.folder / "entry.json").write_text('{"digests": 3}')
    with pytest.raises(UsageError, match="not an entry"):
        library.entries()
