"""The command line: replies on stdout, messages on stderr, exit codes, and the commands that need no build."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from scan2sim import cli
from scan2sim.cameras import CameraFrame, read_cameras, write_cameras
from scan2sim.cli import COMMANDS, main
from scan2sim.commands.apps import find_app
from scan2sim.commands.command import Command, Reply
from scan2sim.commands.progress import ConsoleReporter
from scan2sim.errors import FitError
from scan2sim.pipeline import read_corrections
from scan2sim.progress import Reporter
from scan2sim.scene import load_scene, save_scene
from tests.report.test_evaluate import write_truth
from tests.scene.factory import make_scene

ROOT = Path(__file__).parents[1]
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def scene_master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    save_scene(make_scene(folder / "photos"), folder / "scene")
    return folder / "scene"


@pytest.fixture
def scene(scene_master: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "somewhere"
    subprocess.run(["cp", "-r", str(scene_master), str(folder)], check=True)
    return folder


def answer(capfd: Said, *words: str, code: int = 0) -> dict:
    """The one JSON object that a command prints on stdout."""
    capfd.readouterr()
    assert main([*words, "--json"]) == code
    out = capfd.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def complaint(capfd: Said, *words: str, code: int = 2) -> str:
    """The one message of a command that fails: a single line on stderr, nothing on stdout."""
    capfd.readouterr()
    assert main(list(words)) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("scan2sim: ") == 1
    assert "Traceback" not in said.err
    return said.err


def test_help_is_fast_and_names_every_command() -> None:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "scan2sim.cli", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert time.perf_counter() - started < 3  # well under a second on idle cores; importing torch alone takes longer
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    loaded = "import sys, scan2sim.cli; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'mujoco', 'tyro')))"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capfd: Said) -> None:
    assert main([name, "--help"]) == 0
    out = capfd.readouterr().out
    assert "--json" in out
    assert "_" not in " ".join(word for word in out.split() if word.startswith("--"))


def test_a_reader_that_has_seen_enough_is_no_bug() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "scan2sim.cli", "build", "--help"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        program.stdout.close()  # long before the text is written
        assert program.stderr is not None
        assert program.stderr.read() == b""
        assert program.wait() == 0


@pytest.mark.parametrize(
    "words",
    [
        ["biuld"],
        ["scale", "x", "--facto", "2"],
        ["upload"],
        ["build", "--quality", "best", "x"],
        ["build", "--sheet", "a5", "x"],
    ],
)
def test_wrong_usage(words: list[str], capfd: Said) -> None:
    assert main(words) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err


def test_close_commands_are_suggested(capfd: Said) -> None:
    assert "did you mean build?" in complaint(capfd, "biuld")


@pytest.mark.parametrize(
    "command", ["view", "scale", "edit", "physics", "evaluate", "status", "report", "export", "render"]
)
def test_an_unknown_name(command: str, tmp_path: Path, capfd: Said) -> None:
    more = {
        "scale": ["--factor", "2"],
        "edit": ["--delete", "spoon"],
        "evaluate": ["--truth", str(tmp_path / "cameras.json")],
        "export": ["--to", "mjcf", "-o", str(tmp_path / "out")],
        "render": ["--cameras", str(tmp_path / "cameras.json"), "-o", str(tmp_path / "out")],
    }
    write_cameras(tmp_path / "cameras.json", make_scene().cameras)
    words = [command, "bananna", *more.get(command, []), "--library", str(tmp_path / "library")]
    assert "bananna" in complaint(capfd, *words)
    error = answer(capfd, *words, code=2)["error"]
    assert "bananna" in error["problem"]
    assert not (tmp_path / "out").exists()


def test_scale_by_a_factor(scene: Path, capfd: Said) -> None:
    before = load_scene(scene)
    reply = answer(capfd, "scale", str(scene), "--factor", "2")
    after = load_scene(scene)
    assert reply["factor"] == 2
    for old, new in zip(before.objects, after.objects, strict=True):
        assert np.allclose(new.visual.extents, 2 * old.visual.extents, rtol=1e-5)
        assert new.physical.mass.value == pytest.approx(8 * old.physical.mass.value)
        assert np.allclose(new.physical.inertia, 32 * old.physical.inertia, rtol=1e-6)
    assert reply["sizes"][after.objects[0].name] == pytest.approx(list(after.objects[0].visual.extents), rel=1e-4)
    assert [correction["factor"] for correction in after.corrections] == [2]
    assert not list(scene.parent.glob(".*"))


def test_scale_keeps_what_else_lies_there(scene: Path, capfd: Said) -> None:
    (scene / "notes").mkdir()
    (scene / "notes" / "mine.txt").write_text("mine")
    (scene / "report.html").write_text("outdated")
    answer(capfd, "scale", str(scene), "--factor", "2")
    assert (scene / "notes" / "mine.txt").read_text() == "mine"
    assert not (scene / "report.html").exists()


def test_scale_by_a_length(scene: Path, capfd: Said) -> None:
    reply = answer(capfd, "scale", str(scene), "--length", "0.21", "--between", "-0.1,0.2,0.3", "-0.1,-0.1,-0.1")
    assert reply["factor"] == pytest.approx(0.21 / 0.5)
    assert reply["source"] == "length"


def test_scale_by_a_known_object(scene: Path, capfd: Said) -> None:
    name = next(iter(answer(capfd, "scale", str(scene), "--factor", "1")["sizes"]))
    first = answer(capfd, "scale", str(scene), "--length", "0.3", "--of", name, "--side", "height")
    assert first["source"] == "object"
    assert first["sizes"][name][2] == pytest.approx(0.3, rel=1e-5)  # things of this scene stand upright
    again = answer(capfd, "scale", str(scene), "--length", "0.3", "--of", name, "--side", "height")
    assert again["factor"] == pytest.approx(1, abs=1e-5)
    scale = json.loads((scene / "scene.json").read_text())["scale"]
    assert (scale["source"], scale["relative_sigma"]) == ("object", pytest.approx(math.hypot(0.01, 0.02)))


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--length", "0.2"],
        ["--length", "0.2", "--of", "nothing-of-that-name"],
        ["--length", "0.2", "--of", "lemon", "--between", "0,0,0", "1,0,0"],
        ["--factor", "2", "--of", "lemon"],
        ["--factor", "2", "--length", "0.2", "--between", "0,0,0", "1,0,0"],
        ["--factor", "0"],
        ["--factor", "-3"],
        ["--factor", "nan"],
        ["--length", "0.2", "--between", "0,0,0", "0,0,0"],
        ["--length", "0.2", "--between", "0,0", "0,0,1"],
        ["--length", "-1", "--between", "0,0,0", "0,0,1"],
    ],
)
def test_scale_refuses_nonsense_and_changes_nothing(scene: Path, flags: list[str], capfd: Said) -> None:
    before = {path: path.read_bytes() for path in scene.rglob("*") if path.is_file()}
    complaint(capfd, "scale", str(scene), *flags)
    assert {path: path.read_bytes() for path in scene.rglob("*") if path.is_file()} == before


def test_scale_in_a_build_is_noted_there(scene: Path, tmp_path: Path, capfd: Said) -> None:
    build = tmp_path / "build"
    (build / "05-scene").mkdir(parents=True)
    (build / "05-scene" / "stage.json").write_text("{}")
    scene.rename(build / "scene")
    answer(capfd, "scale", str(build), "--factor", "2")
    answer(capfd, "scale", str(build), "--factor", "1.5")
    assert [correction["factor"] for correction in read_corrections(build)] == [2, 1.5]
    assert list(load_scene(build / "scene").corrections) == read_corrections(build)
    (build / "corrections.json").write_text("[]")  # edited by hand: the scene has to be made again first
    assert "scan2sim build again" in complaint(capfd, "scale", str(build), "--factor", "2")
    assert len(load_scene(build / "scene").corrections) == 2


def test_edits_and_measured_masses_are_kept(scene: Path, capfd: Said) -> None:
    assert answer(capfd, "edit", str(scene), "--delete", "bowl", "--rename", "ball", "lime")["objects"] == [
        "box",
        "lime",
    ]
    reply = answer(capfd, "physics", str(scene), "--mass", "lime=0.11", "box=0.2", "--material", "box=steel")
    assert {name: row["mass"]["value"] for name, row in reply["objects"].items()} == {"box": 0.2, "lime": 0.11}
    after = load_scene(scene)
    assert [thing.physical.mass.source for thing in after.objects] == ["measured", "measured"]
    assert [c["kind"] for c in after.corrections] == ["delete", "rename", "material", "physics", "physics"]
    assert answer(capfd, "physics", str(scene))["objects"] == reply["objects"]  # only lists


def test_merge_and_split(scene: Path, capfd: Said) -> None:
    assert answer(capfd, "edit", str(scene), "--merge", "box", "bowl")["objects"] == ["box", "ball"]
    ball = load_scene(scene).objects[1]
    points = [",".join(str(x) for x in ball.position + np.array([dx, 0, 0])) for dx in (-0.01, 0.01)]
    reply = answer(capfd, "edit", str(scene), "--split", "ball", "--at", *points)
    assert reply["objects"] == ["box", "ball", "ball-2"]


@pytest.mark.parametrize(
    "words",
    [
        ["edit"],
        ["edit", "--delete", "spoon"],
        ["edit", "--rename", "ball", "Big Ball"],
        ["edit", "--merge", "ball"],
        ["edit", "--split", "ball"],
        ["edit", "--at", "0,0,0"],
        ["edit", "--split", "ball", "--at", "0,0,0", "0,0"],
        ["physics", "--mass", "ball"],
        ["physics", "--mass", "ball=heavy"],
        ["physics", "--mass", "ball=-1"],
        ["physics", "--material", "ball=cheese"],
        ["physics", "--mass", "spoon=1"],
    ],
)
def test_edits_that_make_no_sense_change_nothing(scene: Path, words: list[str], capfd: Said) -> None:
    before = {path: path.read_bytes() for path in scene.rglob("*") if path.is_file()}
    complaint(capfd, words[0], str(scene), *words[1:])
    assert {path: path.read_bytes() for path in scene.rglob("*") if path.is_file()} == before


def test_evaluate(scene: Path, tmp_path: Path, capfd: Said) -> None:
    truth = write_truth(tmp_path / "truth")
    assert answer(capfd, "evaluate", str(scene), "--truth", str(truth))["worst_f_2mm"] == 1
    assert main(["evaluate", str(scene), "--truth", str(truth)]) == 0
    assert "IoU" in capfd.readouterr().out
    assert "absent.json" in complaint(capfd, "evaluate", str(scene), "--truth", str(tmp_path / "absent.json"))


def test_render(scene: Path, tmp_path: Path, capfd: Said) -> None:
    out = tmp_path / "out"
    flags = ["--cameras", str(scene / "cameras.json"), "-o", str(out), "--ids", "--depth"]
    reply = answer(capfd, "render", str(scene), *flags)
    frames = read_cameras(scene / "cameras.json")
    assert reply["pictures"] == [Path(frame.file).stem for frame in frames]
    truth = load_scene(scene)
    for frame, stem in zip(frames, reply["pictures"], strict=True):
        rgb = np.asarray(Image.open(out / "rgb" / f"{stem}.png"))
        ids = np.asarray(Image.open(out / "ids" / f"{stem}.png"))
        depth = np.load(out / "depth" / f"{stem}.npy", allow_pickle=False)
        size = (frame.camera.intrinsics.height, frame.camera.intrinsics.width)
        assert (rgb.shape, rgb.dtype, ids.shape, ids.dtype) == ((*size, 3), np.uint8, size, np.uint16)
        assert (depth.shape, depth.dtype) == (size, np.float32)
        assert depth[ids > 0].min() > 0
        for thing in truth.objects:  # seen where it stands, as far away as it is
            rows, columns = np.nonzero(ids == thing.id)
            (middle,), (distance,) = frame.camera.project(thing.world_from_object[None, :3, 3])
            assert np.hypot(columns.mean() + 0.5 - middle[0], rows.mean() + 0.5 - middle[1]) < 8
            assert np.median(depth[rows, columns]) == pytest.approx(distance, abs=0.06)
    assert (
        len({id for stem in reply["pictures"] for id in np.unique(np.asarray(Image.open(out / "ids" / f"{stem}.png")))})
        == 4
    )


def test_render_without_objects(scene: Path, tmp_path: Path, capfd: Said) -> None:
    out = tmp_path / "out"
    flags = ["--cameras", str(scene / "cameras.json"), "-o", str(out), "--ids"]
    name = load_scene(scene).objects[0].name
    answer(capfd, "render", str(scene), *flags, "--without", name)
    ids = {int(id) for file in (out / "ids").iterdir() for id in np.unique(np.asarray(Image.open(file)))}
    assert ids == {0, 2, 3}
    answer(capfd, "render", str(scene), *flags, "--without", "all")
    assert all(not np.asarray(Image.open(file)).any() for file in (out / "ids").iterdir())
    assert "teapot" in complaint(capfd, "render", str(scene), *flags, "--without", "teapot")


def test_render_spares_other_folders(scene: Path, tmp_path: Path, capfd: Said) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    flags = ["--cameras", str(scene / "cameras.json"), "-o", str(tmp_path / "mine")]
    assert "thesis.txt" in complaint(capfd, "render", str(scene), *flags)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_pictures_of_equal_stems_get_their_folder(scene: Path, tmp_path: Path, capfd: Said) -> None:
    camera = make_scene().cameras[0].camera
    files = ["left/1.jpg", "right/1.jpg", "../../2.jpg"]
    write_cameras(tmp_path / "c.json", tuple(CameraFrame(file, camera) for file in files))
    flags = ["--cameras", str(tmp_path / "c.json"), "-o", str(tmp_path / "out")]
    answer(capfd, "render", str(scene), *flags)
    assert sorted(p.name for p in (tmp_path / "out" / "rgb").iterdir()) == ["2.png", "left-1.png", "right-1.png"]
    write_cameras(tmp_path / "c.json", tuple(CameraFrame("1.jpg", camera) for _ in range(2)))
    assert "1.jpg" in complaint(capfd, "render", str(scene), *flags)


def test_export_and_check(scene: Path, tmp_path: Path, capfd: Said) -> None:
    out = tmp_path / "out"
    (export,) = answer(capfd, "export", str(scene), "--to", "mjcf", "-o", str(out), "--require-check")["exports"]
    assert export["format"] == "mjcf"
    assert export["check"]["passed"]
    assert answer(capfd, "check", str(out))["passed"]
    assert answer(capfd, "check", str(scene))["kind"] == "scene"
    assert "--overwrite" in complaint(capfd, "export", str(scene), "--to", "mjcf", "-o", str(out))
    assert len(answer(capfd, "export", str(scene), "--to", "mjcf", "-o", str(out), "--overwrite")["exports"]) == 1
    (out / "scene.xml").write_text("<mujoco")
    assert "scene.xml" in complaint(capfd, "check", str(out))
    assert "did you mean mjcf?" in complaint(capfd, "export", str(scene), "--to", "mjfc", "-o", str(out))


def test_export_of_everything(scene: Path, tmp_path: Path, capfd: Said) -> None:
    out = tmp_path / "out"
    exports = answer(capfd, "export", str(scene), "--to", "all", "-o", str(out))["exports"]
    assert {export["format"] for export in exports} == {path.name for path in out.iterdir()} >= {"mjcf", "gymnasium"}
    manifest = json.loads((scene / "scene.json").read_text())
    for thing in manifest["objects"]:
        thing["mobility"] = "fixed"
    (scene / "scene.json").write_text(json.dumps(manifest))
    exports = answer(capfd, "export", str(scene), "--to", "all", "-o", str(tmp_path / "fixed"), code=2)["exports"]
    written = {export["format"]: bool(export["path"]) for export in exports}
    assert [name for name in written if not written[name]] == ["gymnasium", "isaaclab"]
    assert written["mjcf"]


def test_export_with_a_guessed_scale(scene: Path, tmp_path: Path, capfd: Said) -> None:
    manifest = json.loads((scene / "scene.json").read_text())
    manifest["scale"] = {"source": "guess", "relative_sigma": 0.35}
    (scene / "scene.json").write_text(json.dumps(manifest))
    flags = ["--to", "mjcf", "-o", str(tmp_path / "out")]
    assert "scan2sim scale" in complaint(capfd, "export", str(scene), *flags, "--strict-scale")
    assert not (tmp_path / "out").exists()
    answer(capfd, "scale", str(scene), "--factor", "1.1")
    answer(capfd, "export", str(scene), *flags, "--strict-scale")


def test_report_of_a_scene(scene: Path, capfd: Said) -> None:
    reply = answer(capfd, "report", str(scene))
    assert reply["passed"]
    assert Path(reply["report"]).is_file()
    assert {check["name"] for check in reply["checks"]} >= {"scale", "objects"}


def test_report_says_no(tmp_path: Path, capfd: Said) -> None:
    build = tmp_path / "build"
    (build / "01-capture").mkdir(parents=True)
    (build / "01-capture" / "stage.json").write_text('{"stage": "capture", "figures": {"frames": 16}}')
    reply = answer(capfd, "report", str(build), code=3)
    assert not reply["passed"]


def test_library_commands(tmp_path: Path, capfd: Said) -> None:
    photos = tmp_path / "Mug"
    photos.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(photos / "a.png")
    library = ["--library", str(tmp_path / "library")]
    assert answer(capfd, "list", *library)["captures"] == []
    uploaded = answer(capfd, "upload", str(photos), *library)["captures"]
    assert [capture["name"] for capture in uploaded] == ["mug"]
    (listed,) = answer(capfd, "list", *library)["captures"]
    assert (listed["name"], listed["files"], listed["stages"], listed["scene"]) == ("mug", 1, [], None)
    status = answer(capfd, "status", "mug", *library)
    assert [stage["state"] for stage in status["stages"]] == ["missing"] * 6
    assert status["verdict"] is None


def test_doctor(capfd: Said) -> None:
    reply = answer(capfd, "doctor")
    found = {finding["name"]: finding for finding in reply["findings"]}
    assert found["torch"]["works"]
    assert found["pycolmap"]["works"]
    assert all(finding["todo"] for finding in reply["findings"] if not finding["works"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("scan2sim.commands.progress.time.monotonic", lambda: now[0])
    return now


def test_progress_in_plain_lines(clock: list[float]) -> None:
    out = StringIO()
    with ConsoleReporter(Console(file=out, width=80)) as report:
        report("quick", 0, 2)
        clock[0] = 1.0
        report("quick", 2, 2)  # not worth a line
        for second in range(0, 31):
            clock[0] = 10.0 + second
            report("slow", second, 30)
    lines = out.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["slow"] * len(lines)
    assert lines[0] == "slow: 2/30, 28 s left"
    assert lines[-1] == "slow: done in 30 s"
    assert 3 <= len(lines) <= 5


def test_progress_bars_on_a_terminal() -> None:
    out = StringIO()
    with ConsoleReporter(Console(file=out, width=100, force_terminal=True)) as report:
        for step in range(5):
            report("training [splats]", step + 1, 5)
    assert "training [splats]" in out.getvalue()
    assert "5/5" in out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Trouble(Command):
    """A command that goes wrong in the way it is told to."""

    how: str = "input"

    def run(self, report: Reporter) -> Reply:
        os.write(1, b"chatter of a C library\n")
        report("working", 1, 2)
        match self.how:
            case "input":
                raise FitError("too dark", todo="switch on the light")
            case "bug":
                raise ZeroDivisionError("ours")
            case "interrupt":
                raise KeyboardInterrupt
        return Reply({"value": float("nan")}, "fine")


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    module = type(sys)("scan2sim.commands.trouble")
    module.Trouble = Trouble  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "scan2sim.commands.trouble", module)
    monkeypatch.setitem(cli.COMMANDS, "trouble", "goes wrong")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize(("how", "code"), [("input", 2), ("bug", 1), ("interrupt", 130), ("fine", 0)])
def test_exit_codes(trouble: Path, how: str, code: int, capfd: Said) -> None:
    assert main(["trouble", "--how", how]) == code
    said = capfd.readouterr()
    assert said.err.count("scan2sim: ") == (0 if how == "fine" else 1)
    assert "Traceback" not in said.err
    reply = answer(capfd, "trouble", "--how", how, code=code)
    assert reply == {"value": None} if how == "fine" else reply["exit_code"] == code
    logs = list(trouble.rglob("*.log"))
    assert bool(logs) == (how == "bug")
    assert all("ZeroDivisionError: ours" in log.read_text() for log in logs)


def test_view_shows_a_scene_until_ctrl_c(scene: Path) -> None:
    if find_app("viewer") is None:
        pytest.skip("entry points exist only where scan2sim is installed")
    command = [sys.executable, "-m", "scan2sim.cli", "view", str(scene), "--port", "0", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        reply = json.loads(process.stdout.readline())
        assert reply["url"].startswith("http://")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
