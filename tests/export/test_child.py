import time
from pathlib import Path

import pytest

from scan2sim.errors import ExportError
from scan2sim.export import write_mjcf
from scan2sim.export.child import inspect
from tests.scene.factory import make_scene


def test_a_slow_check_is_stopped(tmp_path: Path) -> None:
    path = write_mjcf(make_scene(), tmp_path / "mjcf")
    started = time.monotonic()
    with pytest.raises(ExportError, match="took more than"):
        inspect("mujoco", path, seconds=0.05)
    assert time.monotonic() - started < 10


def test_a_greedy_check_is_stopped(tmp_path: Path) -> None:
    path = write_mjcf(make_scene(), tmp_path / "mjcf")
    text = path.read_text()
    path.write_text(text.replace("<option ", '<size memory="20G"/><option '))
    with pytest.raises(ExportError, match=r"the check (failed|crashed)"):
        inspect("mujoco", path, memory=2 << 30)


def test_a_failure_says_the_last_words(tmp_path: Path) -> None:
    (tmp_path / "scene.xml").write_text("<mujoco><nonsense/></mujoco>")
    with pytest.raises(ExportError, match="nonsense"):
        inspect("mujoco", tmp_path / "scene.xml")
