"""Many cousins on disk: the same whoever makes them, whole whoever is killed, and cheap."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mujoco
import pytest

from scan2sim.cli import main
from scan2sim.commands.cousins import Cousins
from scan2sim.cousins.many import CousinsPlan
from scan2sim.cousins.many.one import CousinMaker
from scan2sim.cousins.many.outcome import Outcome
from scan2sim.errors import SceneError
from scan2sim.scene import load_scene, save_scene, validate_scene
from tests.scene.factory import make_scene

ROOT = Path(__file__).parents[2]
Said = pytest.CaptureFixture[str]
COUNT = 4
OPTIONS = ("--distance", "0.2..0.9", "--seed", "3", "--vary", "layout,physics")


RAY = """
import sys, threading, time
from pathlib import Path
from ray.cluster_utils import Cluster
from scan2sim.cli import main

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
doomed = cluster.add_node(num_cpus=1)
output, *words = sys.argv[1:]

def kill() -> None:
    while not any(Path(output).glob("[0-9]*")):
        time.sleep(0.01)
    cluster.remove_node(doomed, allow_graceful=False)

killer = threading.Thread(target=kill)
killer.start()
code = main([*words, "--ray", cluster.address])
killer.join()
cluster.shutdown()
sys.exit(code)
"""  # in a process of its own: Ray leaves threads and warnings behind


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    save_scene(make_scene(folder / "photos"), folder / "scene")
    return folder / "scene"


@pytest.fixture(scope="module")
def cousins(twin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an uninterrupted run with one worker makes."""
    folder = tmp_path_factory.mktemp("cousins") / "out"
    assert main(command(twin, folder, COUNT, "--workers", "1")) == 0
    return folder


def command(twin: Path, folder: Path, count: int = COUNT, *more: str) -> list[str]:
    return ["cousins", str(twin), "-n", str(count), "-o", str(folder), *OPTIONS, *more]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder of cousins but its log."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in ("cousins.log", ".lock")}


def complaint(capfd: Said, words: Sequence[str]) -> str:
    capfd.readouterr()
    assert main(list(words)) == 2
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    return said.err


def test_every_cousin_is_a_scene_that_costs_little(twin: Path, cousins: Path) -> None:
    index = json.loads((cousins / "cousins.json").read_text())
    assert (index["wanted"], index["made"], index["failed"]) == (COUNT, COUNT, [])
    sliders = [entry["slider"] for entry in index["cousins"]]
    assert len(set(sliders)) == COUNT
    assert all(0.2 <= slider <= 0.9 for slider in sliders)
    for entry in index["cousins"]:
        folder = cousins / entry["folder"]
        scene = load_scene(folder)
        assert validate_scene(scene) == ()
        story = scene.provenance["cousin"]
        record = json.loads((folder / "cousin.json").read_text())
        assert story == {key: record[key] for key in story}
        assert story["index"] == entry["index"]
        assert story["plan"]["seed"] == 3
        assert story["changes"]
        assert story["distance"]["combined"] == entry["distance"] > 0
        own = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_nlink == 1]
        assert sum(path.stat().st_size for path in own) < 100_000
        splats = "objects/box/splats.ply"
        assert (folder / splats).stat().st_ino == (twin / splats).stat().st_ino
    assert (cousins / "sheet.png").stat().st_size > 10_000
    assert (cousins / "distances.png").stat().st_size > 5_000


def test_a_cousin_can_be_exported_and_stepped(cousins: Path, tmp_path: Path, capfd: Said) -> None:
    assert main(["export", str(cousins / "0001"), "--to", "mjcf", "-o", str(tmp_path / "mjcf"), "--json"]) == 0
    (export,) = json.loads(capfd.readouterr().out.splitlines()[-1])["exports"]
    assert export["check"]["passed"]
    model = mujoco.MjModel.from_xml_path(export["path"])
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, 100)
    assert data.time > 0


def test_correcting_a_cousin_leaves_its_twin_and_the_others_alone(twin: Path, cousins: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cousins"
    subprocess.run(["cp", "-rl", str(cousins), str(folder)], check=True)  # links, as cousins hold them
    before = [{path: path.read_bytes() for path in place.rglob("*") if path.is_file()} for place in (twin, cousins)]
    one = str(folder / "0000")
    for words in (
        ["edit", one, "--rename", "box", "block"],
        ["scale", one, "--factor", "1.5"],
        ["physics", one, "--mass", "block=0.5"],
        ["edit", one, "--delete", "ball"],
    ):
        assert main(words) == 0
    assert [obj.name for obj in load_scene(folder / "0000").objects] == ["block", "bowl"]
    after = [{path: path.read_bytes() for path in place.rglob("*") if path.is_file()} for place in (twin, cousins)]
    assert after == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl-C between open() and its with
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers to kill through /proc")
def test_killed_workers_and_runs_change_nothing(twin: Path, cousins: Path, tmp_path: Path, capfd: Said) -> None:
    folder, rng = tmp_path / "out", random.Random(int.from_bytes(os.urandom(2)))
    words = command(twin, folder, COUNT - 1, "--workers", "2")
    run = subprocess.Popen([sys.executable, "-m", "scan2sim.cli", *words], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for(lambda: hidden(folder) or made(folder))
    os.kill(rng.choice(children(run.pid)), signal.SIGKILL)
    time.sleep(rng.random() / 3)
    orphans = children(run.pid)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait(timeout=30) == -signal.SIGKILL
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))

    there = made(folder)
    if len(there) < COUNT - 1:
        interrupter = threading.Thread(target=interrupt_when, args=(lambda: len(made(folder)) > len(there),))
        interrupter.start()
        assert main(command(twin, folder, COUNT + 50, "--workers", "1")) == 130
        interrupter.join()
        assert "the same command goes on from here" in capfd.readouterr().err
        assert there < made(folder)
        listed = json.loads((folder / "cousins.json").read_text())["cousins"]
        assert len(listed) == len(made(folder)), "an interrupted run, unlike a killed one, brings its list up to date"

    assert main(command(twin, folder, COUNT, "--workers", "1")) == 0
    assert not hidden(folder)
    expected, got = contents(cousins), contents(folder)
    assert set(expected) == set(got)
    assert [name for name in expected if expected[name] != got[name]] == []


def test_the_list_of_an_interrupted_run_has_what_it_did_not_hear_of(
    twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_but_not_told(job: dict[str, Any], indices: Sequence[int], *_: object) -> Iterator[Outcome]:
        maker = CousinMaker(CousinsPlan.from_json(job["plan"]), Path(job["output"]), job["identity"])
        yield Outcome(indices[0], maker.make(indices[0]))
        maker.make(indices[1])
        raise KeyboardInterrupt

    monkeypatch.setattr("scan2sim.cousins.many.make.run_workers", made_but_not_told)
    assert main(command(twin, tmp_path / "out")) == 130
    listed = json.loads((tmp_path / "out" / "cousins.json").read_text())["cousins"]
    assert [entry["folder"] for entry in listed] == ["0000", "0001"]


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install scan2sim[ray]")
def test_a_ray_cluster_makes_the_same_also_when_a_node_is_killed(twin: Path, cousins: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    arguments = [sys.executable, "-c", RAY, str(folder), *command(twin, folder)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == contents(cousins)


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install scan2sim[ray]")
def test_a_cluster_that_is_not_there(twin: Path, tmp_path: Path, capfd: Said) -> None:
    assert "no Ray cluster" in complaint(capfd, command(twin, tmp_path / "out", 1, "--ray", "127.0.0.1:1"))


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray(twin: Path, tmp_path: Path, capfd: Said) -> None:
    assert "Ray is not installed" in complaint(capfd, command(twin, tmp_path / "out", 1, "--ray", "local"))


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[0-9]*")}


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*.new"))


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def interrupt_when(condition: Callable[[], object]) -> None:
    """What Ctrl-C does."""
    wait_for(condition)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_what_cannot_be_made_is_told_and_what_was_made_is_kept(
    twin: Path, tmp_path: Path, capfd: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_this_process(job: dict[str, Any], indices: Sequence[int], *_: object) -> Iterator[Outcome]:
        maker = CousinMaker(CousinsPlan.from_json(job["plan"]), Path(job["output"]), job["identity"])
        for index in indices:
            try:
                yield Outcome(index, maker.make(index))
            except SceneError as problem:
                yield Outcome.of_error(index, problem)

    monkeypatch.setattr("scan2sim.cousins.many.make.run_workers", in_this_process)
    folder = tmp_path / "out"
    capfd.readouterr()
    impossible = ["--tries", "2", "--valid.penetration", "1e-12"]
    assert main([*command(twin, folder, 30, "--workers", "1"), *impossible, "--json"]) == 2
    reply = json.loads(capfd.readouterr().out)
    assert reply["made"] == len(made(folder)) == 0
    assert len(reply["failed"]) == 10  # after that it gives up
    assert reply["share_rejected"] == 1
    assert reply["rejected"] == {"overlap": 20}
    assert "no valid cousin in 2 tries" in reply["failed"]["0"]
    index = json.loads((folder / "cousins.json").read_text())
    assert (index["wanted"], index["made"], len(index["failed"])) == (30, 0, 10)
    assert all(reason.startswith("overlap: ") for failed in index["failed"] for reason in failed["rejected"])
    assert "0003 failed: no valid cousin" in (folder / "cousins.log").read_text()


def test_other_cousins_are_left_alone(twin: Path, cousins: Path, tmp_path: Path, capfd: Said) -> None:
    before = contents(cousins)
    others = [*command(twin, cousins), "--seed", "4", "--distance", "0.2..0.8"]
    message = complaint(capfd, others)
    assert "holds 4 other cousins (0000, 0001, 0002, 0003)" in message
    assert "seed 3 instead of 4" in message
    assert "distance 0.2, 0.9 instead of 0.2, 0.8" in message
    moved = tmp_path / "scene"
    save_scene(replace(load_scene(twin), provenance={"made_by": "somebody"}), moved)
    assert "another scene" in complaint(capfd, command(moved, cousins))
    assert "something else" in complaint(capfd, command(twin, twin))
    assert contents(cousins) == before
    assert main(command(twin, cousins, 2)) == 0  # fewer than there are: nothing to do


def test_a_cousin_that_was_changed_or_cut_short_is_not_taken_for_whole(
    twin: Path, cousins: Path, tmp_path: Path, capfd: Said
) -> None:
    folder = tmp_path / "cousins"
    subprocess.run(["cp", "-r", str(cousins), str(folder)], check=True)
    path = folder / "0002" / "objects" / "bowl" / "collision" / "3.obj"
    path.write_bytes(path.read_bytes()[:-20])
    message = complaint(capfd, command(twin, folder))
    assert "1 cousins are not as they were made" in message
    assert "0002" in message
    (folder / "0001" / "cousin.json").write_text("{}")
    assert "0001/cousin.json" in complaint(capfd, command(twin, folder))


def test_assets_that_cannot_be_used_are_told(twin: Path, tmp_path: Path, capfd: Said) -> None:
    save_scene(replace(load_scene(twin), supports=()), tmp_path / "assets" / "scan")
    (tmp_path / "assets" / "broken.spz").write_bytes(b"no splats")
    words = [*command(twin, tmp_path / "out", 1, "--workers", "1"), "--vary", "clutter"]
    assert main([*words, "--assets", str(tmp_path / "assets")]) == 0
    told = capfd.readouterr().out
    assert "1 of the assets cannot be used: broken.spz: " in told


@pytest.mark.parametrize("names", [["0001", "0002"], ["0001/photo.jpg"], ["0001/scene.json", ".hidden"], ["1.jpg"]])
def test_other_folders_are_left_as_they_are(names: list[str], twin: Path, tmp_path: Path, capfd: Said) -> None:
    """Photos in folders called by numbers among them."""
    for name in names:
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text("precious")
    before = contents(tmp_path / "mine")
    assert "something else than cousins" in complaint(capfd, command(twin, tmp_path / "mine"))
    assert contents(tmp_path / "mine") == before
    assert not (tmp_path / "mine" / ".lock").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-n", "0"], "0 cousins"),
        (["--workers", "0"], "0 workers"),
        (["--distance", "1.5"], "from 0 to 1"),
        (["--distance", "0.9..0.1"], "smaller one first"),
        (["--distance", "nan"], "from 0 to 1"),
        (["--distance", "far"], "from 0 to 1"),
        (["--seed", "-1"], "negative"),
        (["--vary", "shape,taste"], "taste"),
        (["--assets", "nowhere"], "no such folder of assets"),
        (["--vary", "clutter", "--asset.metres", "0"], "metres of assets is 0"),
        (["--vary", "shape", "--shape.kinds", "neck"], "would change anything in this scene"),
    ],
)
def test_wrong_wishes_make_nothing(more: list[str], said: str, twin: Path, tmp_path: Path, capfd: Said) -> None:
    assert said in complaint(capfd, [*command(twin, tmp_path / "out"), *more])
    assert not (tmp_path / "out").exists()


def test_the_flag_vary() -> None:
    def parsed(*words: str) -> tuple[str, ...]:
        command = Cousins.parse([*words, "-n", "1", "-o", "out"], "scan2sim cousins")
        assert command.scene == "desk"
        return command.config.vary

    assert parsed("desk") == ("shape", "layout", "physics")
    assert parsed("--vary", "light,layout", "desk") == ("light", "layout")
    assert parsed("desk", "--vary", "light", "layout") == ("light", "layout")


def test_a_twin_that_cannot_be_used(twin: Path, tmp_path: Path, capfd: Said) -> None:
    assert "no-such-scene" in complaint(capfd, command(tmp_path / "no-such-scene", tmp_path / "out"))
    empty = tmp_path / "empty"
    save_scene(replace(load_scene(twin), objects=(), supports=()), empty)
    assert "no objects" in complaint(capfd, command(empty, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
