"""The same cousins on a Ray cluster of two nodes, one of which is killed in the midst."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scan2sim.cli import main
from scan2sim.scene import save_scene
from tests.cousins.test_many import contents
from tests.scene.factory import make_scene

ROOT = Path(__file__).parents[2]
COUNT = 6

# in a process of its own: Ray leaves threads and warnings behind
SCRIPT = """
import json, sys, threading, time
from pathlib import Path
from ray.cluster_utils import Cluster
from scan2sim.cli import main

twin, output, count = sys.argv[1:]
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
doomed = cluster.add_node(num_cpus=1)

def kill() -> None:
    while not any(Path(output).glob("[0-9]*")):
        time.sleep(0.01)
    cluster.remove_node(doomed, allow_graceful=False)

killer = threading.Thread(target=kill)
killer.start()
options = ["--distance", "0.4", "--seed", "5", "--vary", "layout,physics"]
code = main(["cousins", twin, "-n", count, "-o", output, *options, "--ray", cluster.address])
killer.join()
cluster.shutdown()
sys.exit(code)
"""


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin") / "scene"
    save_scene(make_scene(), folder)
    return folder


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install scan2sim[ray]")
def test_a_killed_node_changes_nothing(twin: Path, tmp_path: Path) -> None:
    far, here = tmp_path / "ray", tmp_path / "here"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(twin), str(far), str(COUNT)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((far / "cousins.json").read_text())["made"] == COUNT
    options = ["--distance", "0.4", "--seed", "5", "--vary", "layout,physics"]
    assert main(["cousins", str(twin), "-n", str(COUNT), "-o", str(here), *options, "--workers", "1"]) == 0
    assert contents(far) == contents(here)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray(twin: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cousins", str(twin), "-n", "1", "-o", str(tmp_path / "out"), "--ray", "local"]) == 2
    assert "Ray is not installed" in capfd.readouterr().err
