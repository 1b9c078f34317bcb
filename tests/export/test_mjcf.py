# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest

from scan2sim.errors import ExportError, SceneError
from scan2sim.export import check_mjcf, write_mjcf
from scan2sim.scene import Scene
from scan2sim.sim import settled_scene
from tests.scene.factory import make_scene


@cache
def settled() -> Scene:
    return settled_scene(make_scene())[0]


def test_what_is_written_passes_its_check(tmp_path: Path) -> None:
    path = write_mjcf(settled(), tmp_path / "mjcf")
    assert path == tmp_path / "mjcf" / "scene.xml"
    figures = check_mjcf(tmp_path / "mjcf")
    assert figures["passed"], figures["problems"]
    assert figures["bodies"] == 3
    assert set(figures["drift_mm"]) == {"box", "ball", "bowl"}
    assert figures["worst_drift_mm"] < 0.5
    assert 0 < figures["penetration_mm"] < 0.6
    assert check_mjcf(path)["passed"]  # the file is as good as the folder


def test_it_is_self_contained_and_may_be_moved(tmp_path: Path) -> None:
    write_mjcf(settled(), tmp_path / "mjcf")
    (tmp_path / "mjcf").rename(tmp_path / "moved")
    text = (tmp_path / "moved" / "scene.xml").read_text()
    assert str(tmp_path) not in text
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "moved" / "scene.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    mujoco.mj_forward(model, data)
    for obj in settled().objects:
        assert data.body(obj.name).xpos == pytest.approx(obj.position, abs=1e-5)
        assert data.body(obj.name).xquat == pytest.approx(obj.wxyz, abs=1e-5)
        assert model.body(obj.name).mass[0] == pytest.approx(obj.physical.mass.value, rel=1e-5)


def test_a_world_without_objects_passes(tmp_path: Path) -> None:
    write_mjcf(replace(make_scene(), objects=()), tmp_path / "bare")
    figures = check_mjcf(tmp_path / "bare")
    assert figures["passed"]
    assert figures["bodies"] == 0


@pytest.mark.parametrize(
    ("element", "attribute", "value", "problem"),
    [
        ("body[@name='box']/inertial", "mass", "0.08", "box: mass"),
        ("body[@name='box']/inertial", "diaginertia", "0.001 0.001 0.001", "box: another inertia"),
        ("body[@name='ball']", "name", "egg", "ball: no such body"),
        ("body[@name='bowl']", "pos", "0.13 0.06 0.024", "bowl: another position"),
        ("mesh[@name='box-collision-0']", "scale", "0.5 0.5 0.5", "box: drifts"),
    ],
)
def test_a_changed_model_does_not_pass(tmp_path: Path, element: str, attribute: str, value: str, problem: str) -> None:
    path = write_mjcf(settled(), tmp_path / "mjcf")
    tree = ElementTree.parse(path)
    found = tree.find(f".//{element}")
    assert found is not None
    found.set(attribute, value)
    for key in tree.iter("key"):  # the keyframe repeats the poses
        key.attrib.pop("qpos", None)
    tree.write(path)
    figures = check_mjcf(path)
    assert not figures["passed"]
    assert any(problem in p for p in figures["problems"]), figures["problems"]


def test_a_scene_that_does_not_rest_does_not_pass(tmp_path: Path) -> None:
    scene = make_scene()
    high = replace(scene.objects[1], position=scene.objects[1].position + np.array([0, 0, 0.05]))
    write_mjcf(replace(scene, objects=(scene.objects[0], high)), tmp_path / "mjcf")
    figures = check_mjcf(tmp_path / "mjcf")
    assert not figures["passed"]
    assert any("ball: drifts 5" in p for p in figures["problems"])


def test_a_full_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("important")
    for overwrite, match in ((False, "exists already"), (True, "not an export")):
        with pytest.raises(ExportError, match=match):
            write_mjcf(settled(), tmp_path / "thesis", overwrite=overwrite)
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="a file stands"):
        write_mjcf(settled(), tmp_path / "file", overwrite=True)


def test_an_export_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_mjcf(settled(), tmp_path / "mjcf")
    write_mjcf(replace(make_scene(), objects=()), tmp_path / "mjcf", overwrite=True)
    assert check_mjcf(tmp_path / "mjcf")["bodies"] == 0
    assert not list((tmp_path / "mjcf").glob("assets/b[ao]*-collision-*"))
    assert [p.name for p in tmp_path.iterdir()] == ["mjcf"]


def test_nothing_is_left_of_a_scene_that_cannot_be_written(tmp_path: Path) -> None:
    scene = make_scene()
    broken = replace(scene, objects=(replace(scene.objects[0], id=2), *scene.objects[1:]))
    with pytest.raises(SceneError, match="id 2"):
        write_mjcf(broken, tmp_path / "mjcf")
    assert list(tmp_path.iterdir()) == []


def test_damaged_exports_are_named(tmp_path: Path) -> None:
    path = write_mjcf(settled(), tmp_path / "mjcf")
    text = path.read_text()
    path.write_text(text.replace("box-visual.obj", "none.obj"))
    with pytest.raises(ExportError, match=r"none\.obj"):
        check_mjcf(path)
    path.write_text(text)
    record = json.loads((path.parent / "export.json").read_text())
    del record["objects"][0]["mass"]
    (path.parent / "export.json").write_text(json.dumps(record))
    with pytest.raises(ExportError, match="not complete"):
        check_mjcf(path)
    (path.parent / "export.json").unlink()
    with pytest.raises(ExportError, match="no such file"):
        check_mjcf(path)


def test_the_mesh_files_hold_the_pieces(tmp_path: Path) -> None:
    path = write_mjcf(settled(), tmp_path / "mjcf")
    for obj in settled().objects:
        for i, piece in enumerate(obj.collision):
            lines = (path.parent / "assets" / f"{obj.name}-collision-{i}.obj").read_text().splitlines()
            vertices = np.array([line.split()[1:] for line in lines if line.startswith("v ")], dtype=float)
            assert vertices == pytest.approx(np.asarray(piece.vertices), abs=1e-9)
