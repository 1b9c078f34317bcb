import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from scan2sim.errors import ExportError
from scan2sim.export import check_gymnasium, write_gymnasium
from scan2sim.export.gymnasium_export import environment_id
from scan2sim.scene import Scene
from scan2sim.sim import TaskEnv, TaskVectorEnv, settled_scene, task_pixels
from tests.scene.factory import make_scene

ROOT = Path(__file__).parents[2]

USE = """
import sys
sys.path[:0] = [{folder!r}, {root!r}]
import gymnasium
import scan2sim_table_top
env = gymnasium.make(scan2sim_table_top.ENVIRONMENT)
assert env.spec.id == "scan2sim/TableTop-Push-v0", env.spec.id
observation, info = env.reset(seed=0)
assert env.observation_space.contains(observation)
steps = 0
truncated = terminated = False
while not (terminated or truncated):
    observation, reward, terminated, truncated, info = env.step(0 * env.action_space.sample())
    steps += 1
assert truncated and steps == 300, steps
scan2sim_table_top.register()
for name in scan2sim_table_top.ENVIRONMENTS:
    assert gymnasium.make(name).reset(seed=0)[1]["is_success"] is False
"""

HUB = """
import importlib.util, sys
sys.path[:0] = [{root!r}]
spec = importlib.util.spec_from_file_location("hub", {folder!r} + "/env.py")
hub = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hub)
tasks = hub.make_env(n_envs=3)["scan2sim_table_top"]
assert list(tasks) == [0, 1, 2, 3]
for env in tasks.values():
    seen, _ = env.reset(seed=0)
    seen, reward, *_ = env.step(env.action_space.sample())
    assert seen.shape == env.observation_space.shape and reward.shape == (3,)
    assert seen.shape[0] == env.num_envs == 3
"""


@cache
def settled() -> Scene:
    return settled_scene(make_scene())[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_gymnasium(settled(), tmp_path / "gym", "table-top")


def test_it_passes_its_own_and_gymnasiums_check(folder: Path) -> None:
    figures = check_gymnasium(folder)
    assert figures["passed"], figures["problems"]
    assert figures["check_env"] == "passed"
    assert figures["environment"] == "scan2sim/TableTop-Push-v0"
    assert [id.split("-")[1] for id in figures["environments"]] == ["Push", "PushHeading", "Lift", "Rearrange"]
    assert figures["random_steps"] == 200
    assert figures["worst_drift_mm"] < 1
    assert 0.05 < figures["penetration_mm"] < 0.6, "nothing sleeps while it is measured"


@pytest.mark.parametrize("program", [USE, HUB], ids=["import", "hub"])
def test_the_moved_folder_works_elsewhere(folder: Path, tmp_path: Path, program: str) -> None:
    folder.rename(tmp_path / "moved")
    program = program.format(folder=str(tmp_path / "moved"), root=str(ROOT))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_names_become_ids() -> None:
    assert environment_id("banana") == "scan2sim/Banana-Push-v0"
    assert environment_id("my kitchen_table") == "scan2sim/MyKitchenTable-Push-v0"
    assert environment_id("2nd") == "scan2sim/Scene2nd-Push-v0"
    with pytest.raises(ExportError, match="named after"):
        environment_id("…")


def test_another_target(tmp_path: Path) -> None:
    write_gymnasium(settled(), tmp_path / "gym", "x", target="bowl")
    assert '"target": "bowl"' in (tmp_path / "gym" / "scan2sim_x" / "push.json").read_text()
    with pytest.raises(ExportError, match="box, ball, bowl"):
        write_gymnasium(settled(), tmp_path / "gym2", "x", target="cup")


def test_nothing_to_push_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing in this scene can be pushed"):
        write_gymnasium(replace(settled(), objects=()), tmp_path / "gym", "empty")
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_the_gripper_is_left_out_and_said(tmp_path: Path) -> None:
    bowl = next(obj for obj in settled().objects if obj.name == "bowl")
    write_gymnasium(replace(settled(), objects=(bowl,)), tmp_path / "gym", "x")
    record = json.loads((tmp_path / "gym" / "export.json").read_text())
    assert record["environments"] == ["scan2sim/X-Push-v0"]
    assert set(record["left_out"]) == {"PushHeading", "Lift", "Rearrange"}
    assert "longer than wide" in record["left_out"]["PushHeading"]
    assert "no Lift: nothing in this scene is at most 8.8 cm wide" in (tmp_path / "gym" / "README.md").read_text()
    assert check_gymnasium(tmp_path / "gym")["passed"]


def test_push_is_seen_in_splats(folder: Path) -> None:
    files = [folder / "scan2sim_table_top" / name for name in ("scene.xml", "push.json")]
    scene = folder / "scan2sim_table_top" / "scene"
    single, many = TaskEnv(*files, obs="pixels", scene=scene), TaskVectorEnv(2, *files, obs="pixels", scene=scene)
    picture, _ = single.reset(seed=0)
    assert single.observation_space.contains(picture)
    both, _ = many.reset(seed=0)
    assert np.array_equal(both[0], picture)
    assert not np.array_equal(both[1], picture)
    red, green, blue = picture.astype(int).transpose(2, 0, 1)
    orange, goal, ball = (
        (red > 150) & (blue < 90) & (green < 140),
        (red > green + 60) & (blue > green + 60),
        (green > red + 60) & (green > blue + 60),
    )
    assert orange.sum() > 4, "the pusher"
    assert goal.sum() > 4, "the goal"
    middle = np.argwhere(ball).mean(0)
    assert middle == pytest.approx([32, 32], abs=8), "the target, where it starts"
    for _ in range(40):
        action = np.sign(single.state().position[0, :2] - single.state().tool)
        after = single.step(action.astype(np.float32))[0]
    assert np.abs(after.astype(int) - picture).max(2).sum() > 1000, "what moves is seen to move"


def test_pictures_in_which_things_stand_still_equal_those_in_which_all_is_drawn(folder: Path, monkeypatch) -> None:
    """Also where the pusher has run into other things, and where episodes have started again."""
    files = [folder / "scan2sim_table_top" / name for name in ("scene.xml", "push.json")]
    scene = folder / "scan2sim_table_top" / "scene"
    settings = {"obs": "pixels", "scene": scene, "autoreset": AutoresetMode.SAME_STEP, "max_episode_steps": 30}
    names = [obj.name for obj in settled().objects]
    angle = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    actions = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    runs, kinds = [], set()
    for unmoved in (task_pixels.UNMOVED, (-1.0, -1.0)):  # nothing stands still by the second
        monkeypatch.setattr(task_pixels, "UNMOVED", unmoved)
        many = TaskVectorEnv(6, *files, **settings)
        homes = many.worlds[0].homes(names)
        runs.append([many.reset(seed=3)[0]])
        for _ in range(40):
            runs[-1].append(many.step(actions)[0])
            moved = np.abs([world.poses(names) for world in many.worlds] - homes).max((2, 3)) > 1e-3
            kinds |= set(map(tuple, moved.tolist()))
    assert len(kinds) > 1, "not always the same things have moved"
    difference = np.abs(np.array(runs[0], dtype=int) - runs[1])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("damage", ["code", "hub", "package", "environment", "task"])
def test_foreign_code_is_not_run(folder: Path, damage: str) -> None:
    proof = folder / "it-ran"
    init, record = folder / "scan2sim_table_top" / "__init__.py", folder / "export.json"
    if damage == "code":
        init.write_text(init.read_text() + f"\nopen({str(proof)!r}, 'w')\n")
    elif damage == "hub":
        (folder / "env.py").write_text((folder / "env.py").read_text() + f"\nopen({str(proof)!r}, 'w')\n")
    elif damage == "package":
        record.write_text(record.read_text().replace('"scan2sim_table_top"', '"os"'))
    elif damage == "environment":
        record.write_text(record.read_text().replace("TableTop-Push-v0", "os:path-Push-v0"))
    else:
        task = folder / "scan2sim_table_top" / "push.json"
        task.write_text(task.read_text().replace('"horizon": 300', '"horizon": "300,) or __import__"'))
    with pytest.raises(ExportError):
        check_gymnasium(folder)
    assert not proof.exists()
