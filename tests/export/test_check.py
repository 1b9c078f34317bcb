from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scan2sim.errors import ExportError, SceneError
from scan2sim.export import EXPORTERS, check
from scan2sim.scene import save_scene
from scan2sim.sim import settled_scene
from tests.scene.factory import make_scene


@pytest.mark.parametrize("kind", list(EXPORTERS))
def test_every_format_is_found_by_its_record(tmp_path: Path, kind: str) -> None:
    EXPORTERS[kind].write(settled_scene(make_scene(tmp_path / "images"))[0], tmp_path / "out", "small table", False)
    figures = check(tmp_path / "out")
    assert figures["kind"] == kind
    if kind == "isaaclab":  # right as far as can be seen here, but not stepped: it needs a Python of its own
        assert figures["passed"] is None
    else:
        assert figures["passed"], figures["problems"]


def test_a_scene_is_validated_and_settled(tmp_path: Path) -> None:
    save_scene(make_scene(), tmp_path / "build" / "scene")
    for path in (tmp_path / "build", tmp_path / "build" / "scene", tmp_path / "build" / "scene" / "scene.json"):
        figures = check(path)
        assert figures["kind"] == "scene"
        assert figures["passed"]
        assert set(figures["drift_mm"]) == {"box", "ball", "bowl"}


def test_a_scene_with_a_fault_does_not_pass(tmp_path: Path) -> None:
    scene = make_scene()
    high = replace(scene.objects[0], position=scene.objects[0].position + np.array([0, 0, 0.03]))
    save_scene(replace(scene, objects=(high, *scene.objects[1:])), tmp_path / "a")
    figures = check(tmp_path / "a")
    assert not figures["passed"]
    assert "box: drifts" in figures["problems"][0]
    save_scene(scene, tmp_path / "b")
    text = (tmp_path / "b" / "scene.json").read_text()
    (tmp_path / "b" / "scene.json").write_text(text.replace('"id": 2,', '"id": 1,', 1))
    figures = check(tmp_path / "b")
    assert not figures["passed"]
    assert any("used by 2 objects" in p for p in figures["problems"])


def test_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="neither an export nor a scene"):
        check(tmp_path)
    (tmp_path / "export.json").write_text(
        '{"format": "scan2sim.export", "version": 1, "kind": "hologram", "objects": []}'
    )
    with pytest.raises(ExportError, match="hologram"):
        check(tmp_path)
    (tmp_path / "export.json").unlink()
    (tmp_path / "scene.json").write_text("{}")
    with pytest.raises(SceneError, match="not a scene manifest"):
        check(tmp_path)
