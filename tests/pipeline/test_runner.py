"""The runner: what runs again and what does not, kills, interrupts, full and read-only disks, two builds at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from scan2sim.errors import FitError, OutOfMemoryError, OutputError, UsageError
from scan2sim.pipeline.keys import digest_folder
from scan2sim.pipeline.runner import run_stages
from scan2sim.pipeline.stage import Outcome, Stage, read_record
from tests.pipeline.fake_build import build_and_pause, fake_stages
from tests.pipeline.killing import kill, start_and_pause


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return tmp_path / "build"


def runs(build: Path) -> list[str]:
    """Which stages have really run since the last call."""
    file = build.parent / "runs.txt"
    text = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return text.splitlines()


def content(build: Path) -> dict[str, str]:
    """All that a build is for: its visible files but the records and the log."""
    return {
        path.relative_to(build).as_posix(): path.read_text()
        for path in sorted(build.rglob("*"))
        if path.is_file() and path.name not in ("stage.json", "build.log")
    }


def hidden_folders(build: Path) -> list[str]:
    return [path.name for path in build.iterdir() if path.is_dir() and path.name.startswith(".")]


def test_a_build_leaves_results_and_records(build: Path) -> None:
    records = run_stages(build, fake_stages(build))
    assert [record.stage for record in records] == ["gather", "counting", "product"]
    assert (build / "product.txt").read_text() == "photos" * 5
    data = json.loads((build / "02-counting" / "stage.json").read_text())
    assert data["figures"] == {"count": 5}
    assert data["config"] == {"number": 1}
    assert data["needs"] == {"gather": records[0].digest}
    assert data["seconds"] >= 0
    assert data["peak_memory_mib"] > 1
    assert data["versions"]["scan2sim"]
    assert "counting: done" in (build / "build.log").read_text()
    assert hidden_folders(build) == []
    assert not list(build.rglob(".unfinished.json"))


def test_nothing_runs_twice_without_a_reason(build: Path) -> None:
    first = run_stages(build, fake_stages(build))
    runs(build)
    assert run_stages(build, fake_stages(build)) == first
    assert runs(build) == []


def test_only_what_depends_on_a_change_runs_again(build: Path) -> None:
    run_stages(build, fake_stages(build))
    runs(build)
    run_stages(build, fake_stages(build, number=2))
    # counting gave the same result again, so the stage after it is not touched
    assert runs(build) == ["counting from 0"]
    run_stages(build, fake_stages(build, source="video", number=2))
    assert runs(build) == ["gather", "counting from 0", "product"]
    assert (build / "product.txt").read_text() == "video" * 5


def test_code_version_counts(build: Path) -> None:
    run_stages(build, fake_stages(build))
    runs(build)
    gather, *rest = fake_stages(build)
    run_stages(build, [replace(gather, version=2), *rest])
    assert runs(build) == ["gather"]


def test_from_and_until(build: Path) -> None:
    run_stages(build, fake_stages(build), until="counting")
    assert runs(build) == ["gather", "counting from 0"]
    assert not (build / "product.txt").exists()
    run_stages(build, fake_stages(build), start="counting")
    assert runs(build) == ["counting from 0", "product"]
    for wrong in ({"start": "nothing"}, {"until": "nothing"}, {"start": "product", "until": "gather"}):
        with pytest.raises(UsageError):
            run_stages(build, fake_stages(build), start=wrong.get("start"), until=wrong.get("until"))
    assert runs(build) == []


@pytest.mark.parametrize("damage", ["missing", "cut", "product", "record"])
def test_a_damaged_stage_runs_again(build: Path, damage: str) -> None:
    run_stages(build, fake_stages(build))
    runs(build)
    match damage:
        case "missing":
            (build / "02-counting" / "count.txt").unlink()
        case "cut":
            (build / "02-counting" / "count.txt").write_text("")
        case "product":
            (build / "product.txt").unlink()
        case "record":
            (build / "02-counting" / "stage.json").write_text("{")
    run_stages(build, fake_stages(build))
    assert runs(build) == (["product"] if damage == "product" else ["counting from 0"])
    assert (build / "product.txt").read_text() == "photos" * 5


def start_and_kill(build: Path, pause_at: str, start: str | None = None, how: int = signal.SIGKILL) -> None:
    kill(start_and_pause(build, build_and_pause, pause_at, start), how)


@pytest.mark.parametrize(
    ("pause_at", "expected"),
    [
        ("gather", ["gather", "counting from 0", "product"]),
        ("counting:3", ["counting from 3", "product"]),
        ("product", ["product"]),
    ],
)
def test_killed_anywhere_it_goes_on_and_ends_the_same(
    build: Path, tmp_path: Path, pause_at: str, expected: list
) -> None:
    undisturbed = tmp_path / "other" / "build"
    run_stages(undisturbed, fake_stages(undisturbed))
    start_and_kill(build, pause_at)
    runs(build)
    assert not (build / "03-product").exists()
    run_stages(build, fake_stages(build))
    assert runs(build) == expected
    assert content(build) == content(undisturbed)
    assert hidden_folders(build) == []


def test_a_checkpoint_of_something_else_is_not_used(build: Path) -> None:
    start_and_kill(build, "counting:3")
    runs(build)
    run_stages(build, fake_stages(build, number=2))
    assert runs(build) == ["counting from 0", "product"]


def test_a_killed_from_goes_on_where_it_was(build: Path) -> None:
    run_stages(build, fake_stages(build))
    start_and_kill(build, "counting:3", "gather")
    assert runs(build)[-2:] == ["gather", "counting from 0"]
    start_and_kill(build, "product", "gather")
    assert runs(build) == ["counting from 3", "product"]
    run_stages(build, fake_stages(build), start="gather")
    assert runs(build) == ["product"]
    run_stages(build, fake_stages(build), start="gather")  # that one was finished: this is a new wish
    assert runs(build) == ["gather", "counting from 0", "product"]


def test_interrupted_it_keeps_the_checkpoint(build: Path) -> None:
    start_and_kill(build, "counting:2", how=signal.SIGINT)
    assert "interrupted" in (build / "build.log").read_text()
    runs(build)
    run_stages(build, fake_stages(build))
    assert runs(build) == ["counting from 2", "product"]


@pytest.mark.parametrize("resumes", [True, False])
def test_out_of_memory_it_keeps_the_checkpoint_and_is_not_done(build: Path, resumes: bool) -> None:
    gather, counting, product = fake_stages(build)

    def run(folder: Path, report: object) -> Outcome:
        (folder / "count.txt").write_text("2")
        raise OutOfMemoryError("memory ran out")

    with pytest.raises(OutOfMemoryError):
        run_stages(build, [gather, replace(counting, run=run, resumes=resumes), product])
    assert hidden_folders(build) == ([".02-counting.new"] if resumes else [])
    assert not (build / "02-counting").exists()
    runs(build)
    run_stages(build, fake_stages(build))
    assert runs(build) == (["counting from 2", "product"] if resumes else ["counting from 0", "product"])


@pytest.mark.parametrize("half", ["exchanged", "aside"])
def test_killed_in_the_swap_either_half_is_mended(build: Path, half: str) -> None:
    run_stages(build, fake_stages(build))
    runs(build)
    folder = build / "02-counting"
    if half == "exchanged":  # the old content still lies under the new name
        leftover = build / ".02-counting.new"
        leftover.mkdir()
        (leftover / "count.txt").write_text("3")
    else:
        folder.rename(build / ".02-counting.old")
    run_stages(build, fake_stages(build))
    assert runs(build) == []
    assert (folder / "count.txt").read_text() == "5"
    assert hidden_folders(build) == []


def failing(build: Path, error: Exception) -> list[Stage]:
    gather, counting, product = fake_stages(build)

    def run(folder: Path, report: object) -> Outcome:
        (folder / "half.txt").write_text("half")
        raise error

    return [gather, replace(counting, run=run), product]


@pytest.mark.parametrize("error", [FitError("too dark"), ZeroDivisionError("ours"), OSError(errno.ENOSPC, "full")])
def test_a_failing_stage_leaves_the_last_result_alone(build: Path, error: Exception) -> None:
    run_stages(build, fake_stages(build))
    before = content(build)
    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
        run_stages(build, failing(build, error), start="counting")
    runs(build)
    assert {**content(build), ".rerun.json": ""} == {**before, ".rerun.json": ""}
    assert hidden_folders(build) == []
    log = (build / "build.log").read_text()
    assert ("Traceback" in log) == isinstance(error, ZeroDivisionError)


def test_two_builds_of_one_folder_do_not_mix(build: Path) -> None:
    process = start_and_pause(build, build_and_pause, "counting:1")
    try:
        with pytest.raises(OutputError, match=f"process {process.pid}"):
            run_stages(build, fake_stages(build))
    finally:
        kill(process)
    run_stages(build, fake_stages(build))  # the lock goes with the process


def test_other_peoples_folders_are_left_alone(build: Path) -> None:
    build.mkdir()
    (build / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="something else than a build"):
        run_stages(build, fake_stages(build))
    assert [path.name for path in build.iterdir()] == ["thesis.txt"]


def test_bad_input_leaves_no_trace(tmp_path: Path) -> None:
    build = tmp_path / "outputs" / "new" / "build"
    gather, *rest = fake_stages(build)

    def refuse() -> dict[str, str]:
        raise UsageError("no such photo")

    with pytest.raises(UsageError):
        run_stages(build, [replace(gather, inputs=refuse), *rest])
    assert list(tmp_path.iterdir()) == []
    run_stages(build, fake_stages(build), until="gather")
    with pytest.raises(FitError):
        run_stages(build, failing(build, FitError("too dark")))
    assert (build / "01-gather" / "gathered.txt").exists()


def test_a_file_in_place_of_the_folder(build: Path) -> None:
    build.write_text("a file")
    with pytest.raises(OutputError, match="a file stands"):
        run_stages(build, fake_stages(build))
    assert build.read_text() == "a file"


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filling(build: Path, *, like_a_library: bool) -> list[Stage]:
    gather, counting, product = fake_stages(build)

    def run(folder: Path, report: object) -> Outcome:
        try:
            (folder / "big.bin").write_bytes(bytes(4 << 20))
        except OSError:
            if like_a_library:
                raise RuntimeError("write failed") from None
            raise
        return Outcome()

    return [gather, replace(counting, run=run), product]


@pytest.mark.parametrize("like_a_library", [False, True])
def test_full_disk(small_disk: Path, like_a_library: bool) -> None:
    build = small_disk / "sub" / "build"
    with pytest.raises(OutputError, match="disk is full"):
        run_stages(build, filling(build, like_a_library=like_a_library))
    assert hidden_folders(build) == []
    assert not (build / "02-counting").exists()
    run_stages(build, fake_stages(build))  # there is room for this one


def test_read_only_disk(small_disk: Path) -> None:
    build = small_disk / "build"
    run_stages(build, fake_stages(build))
    before = digest_folder(build)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for folder in (build, small_disk / "new"):
        with pytest.raises(OutputError, match="read-only"):
            run_stages(folder, fake_stages(folder), start="gather")
    assert digest_folder(build) == before


def test_records_of_other_versions_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "stage.json").write_text('{"stage": "capture", "colour": "green"}')
    assert read_record(tmp_path) is None
