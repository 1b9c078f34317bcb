import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from scan2sim.errors import ExportError
from scan2sim.export import check_gymnasium, write_gymnasium
from scan2sim.export.gymnasium_export import environment_id
from scan2sim.scene import Scene
from scan2sim.sim import settled_scene
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
    assert figures["random_steps"] == 200
    assert figures["worst_drift_mm"] < 1


def test_importing_the_package_registers_the_environment(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "moved")
    program = USE.format(folder=str(tmp_path / "moved"), root=str(ROOT))
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


@pytest.mark.parametrize("damage", ["code", "package", "environment", "task"])
def test_foreign_code_is_not_run(folder: Path, damage: str) -> None:
    proof = folder / "it-ran"
    init, record = folder / "scan2sim_table_top" / "__init__.py", folder / "export.json"
    if damage == "code":
        init.write_text(init.read_text() + f"\nopen({str(proof)!r}, 'w')\n")
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
