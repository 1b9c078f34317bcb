# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import ExportError
from scan2sim.export import check, check_urdf, write_urdf
from scan2sim.geometry import matrix_from_quaternion, transform_points
from scan2sim.scene import Joint, Scene, SceneObject
from scan2sim.sim import mujoco_spec, settled_scene
from tests.scene.factory import make_scene

numbers = st.floats(-1, 1)


@cache
def settled() -> Scene:
    return settled_scene(make_scene())[0]


def without_texture(obj: SceneObject) -> SceneObject:
    return replace(obj, texture=None)


def test_what_is_written_passes_in_both_readers(tmp_path: Path) -> None:
    path = write_urdf(settled(), tmp_path / "urdf")
    figures = check_urdf(tmp_path / "urdf")
    assert figures["passed"], figures["problems"]
    assert figures["readers"] == ["mujoco", "yourdfpy"]
    assert set(figures["drift_mm"]) == {"box", "ball", "bowl"}
    assert figures["worst_drift_mm"] < 0.5
    assert check(path)["passed"]


def test_each_object_is_a_folder_of_its_own(tmp_path: Path) -> None:
    write_urdf(settled(), tmp_path / "urdf")
    for obj in settled().objects:
        alone = tmp_path / f"only-{obj.name}"
        (tmp_path / "urdf" / "objects" / obj.name).rename(alone)
        model = mujoco.MjModel.from_xml_path(str(alone / f"{obj.name}.urdf"))
        assert model.body(obj.name).mass[0] == pytest.approx(obj.physical.mass.value, rel=1e-9)
        mesh = trimesh.load_scene(alone / "meshes" / f"{obj.name}-visual.obj").to_mesh()
        assert mesh.bounds == pytest.approx(np.asarray(obj.visual.bounds), abs=1e-6)
        assert (mesh.visual.kind == "texture") == (obj.texture is not None)


def test_friction_is_said_where_readers_look(tmp_path: Path) -> None:
    tree = ElementTree.parse(write_urdf(settled(), tmp_path / "urdf"))
    for obj in settled().objects:
        friction = obj.physical.friction.value
        found = tree.find(f"link[@name='{obj.name}']/contact/lateral_friction")
        assert found is not None
        assert float(found.attrib["value"]) == pytest.approx(friction)
        assert float(tree.findtext(f"gazebo[@reference='{obj.name}']/mu1", "")) == pytest.approx(friction)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_pose_inertia_and_joint_survive(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """MuJoCo, from URDF, has what it has from the scene itself, wherever the joints stand."""
    vector = st.tuples(numbers, numbers, numbers).map(np.array)
    direction = vector.filter(lambda v: np.linalg.norm(v) > 0.1).map(lambda v: v / np.linalg.norm(v))
    quaternion = st.tuples(*[numbers] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)
    objects = []
    for obj in map(without_texture, make_scene().objects):
        moments = np.array(data.draw(st.tuples(*[st.floats(1e-7, 1e-3)] * 3)))
        turn = matrix_from_quaternion(data.draw(quaternion))
        inertia = turn @ np.diag([moments[1] + moments[2], moments[0] + moments[2], moments[0] + moments[1]]) @ turn.T
        wxyz = data.draw(quaternion)
        physical = replace(obj.physical, inertia=(inertia + inertia.T) / 2, center_of_mass=0.1 * data.draw(vector))
        obj = replace(obj, physical=physical, position=data.draw(vector), wxyz=wxyz / np.linalg.norm(wxyz))
        objects.append(obj)
    kind = data.draw(st.sampled_from(["revolute", "prismatic"]))
    joint = Joint(objects[0].id, kind, data.draw(vector), data.draw(direction), -0.3, 0.4, 0.1, 0.2)
    objects[2] = replace(objects[2], mobility="joint", joint=joint)
    objects[1] = replace(objects[1], mobility="fixed")
    scene = replace(make_scene(), objects=tuple(objects))
    folder = tmp_path_factory.mktemp("urdf")
    write_urdf(scene, folder / "out")
    ours, theirs = (mujoco_spec(scene).compile(), mujoco.MjModel.from_xml_path(str(folder / "out" / "scene.urdf")))
    places = []
    for model in (ours, theirs):
        state = mujoco.MjData(model)
        state.joint("bowl").qpos[0] = 0.25  # the joint turned, or pulled
        mujoco.mj_forward(model, state)
        places.append({o.name: (state.body(o.name).xpos, state.body(o.name).xmat) for o in objects})
    for obj in objects:
        for a, b in zip(places[0][obj.name], places[1][obj.name], strict=True):
            assert b == pytest.approx(a, abs=1e-6)
        a, b = ours.body(obj.name), theirs.body(obj.name)
        assert b.mass[0] == pytest.approx(a.mass[0], rel=1e-6)
        assert b.ipos == pytest.approx(a.ipos, abs=1e-6)
        assert inertia_of(b) == pytest.approx(obj.physical.inertia, rel=1e-4, abs=1e-4 * obj.physical.inertia.max())
    assert theirs.joint("bowl").range == pytest.approx([-0.3, 0.4])
    assert theirs.dof_damping[theirs.joint("bowl").dofadr[0]] == pytest.approx(0.1)


def inertia_of(body: Any) -> np.ndarray:
    axes = matrix_from_quaternion(body.iquat)
    return axes @ np.diag(body.inertia) @ axes.T


@pytest.mark.parametrize(
    ("element", "attribute", "value", "problem"),
    [
        ("link[@name='box']/inertial/mass", "value", "0.08", "box: mass"),
        ("link[@name='box']/inertial/inertia", "ixx", "× 1.05", "box: another inertia"),
        ("joint[@name='bowl']/origin", "xyz", "0.13 0.06 0.03", "bowl: another position"),
        ("joint[@name='bowl']/origin", "rpy", "0 0 1", "bowl: another rotation"),
    ],
)
def test_a_changed_model_does_not_pass(tmp_path: Path, element: str, attribute: str, value: str, problem: str) -> None:
    path = write_urdf(settled(), tmp_path / "urdf")
    tree = ElementTree.parse(path)
    found = tree.find(element)
    assert found is not None
    times = value.removeprefix("× ") if value.startswith("×") else None
    found.set(attribute, f"{float(found.get(attribute, '')) * float(times):.9g}" if times else value)
    tree.write(path)
    problems = check_urdf(path)["problems"]
    assert any(p.startswith(problem) and not p.endswith("(yourdfpy)") for p in problems), problems
    assert any(p.startswith(problem) and p.endswith("(yourdfpy)") for p in problems), problems


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<robot", '<!DOCTYPE robot [<!ENTITY a "a">]><robot'),
        ("objects/box/meshes/box-visual.obj", "package:///etc/passwd"),
        ("objects/box/meshes/box-visual.obj", "file:///etc/passwd"),
        ("objects/box/meshes/box-visual.obj", "objects/../../box-visual.obj"),
    ],
)
def test_what_reaches_out_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = write_urdf(settled(), tmp_path / "urdf")
    path.write_text(path.read_text().replace(old, new, 1))
    for with_record in (True, False):
        if not with_record:
            (path.parent / "export.json").unlink()
        with pytest.raises(ExportError, match=r"(document type|lies outside)"):
            check(path)


def test_foreign_models_are_opened_and_stepped(tmp_path: Path) -> None:
    (tmp_path / "arm.urdf").write_text(
        '<robot name="arm"><link name="a"/><link name="b"><inertial><mass value="1"/>'
        '<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>'
        '<joint name="j" type="continuous"><parent link="a"/><child link="b"/><axis xyz="0 0 1"/></joint></robot>'
    )
    (tmp_path / "ball.xml").write_text(
        '<mujoco><worldbody><body><freejoint/><geom size="0.1"/></body></worldbody></mujoco>'
    )
    assert check(tmp_path / "arm.urdf")["passed"]
    assert check(tmp_path / "ball.xml")["kind"] == "mjcf"
    (tmp_path / "arm.urdf").write_text('<robot name="arm"><link name="a"/><link name="a"/></robot>')
    with pytest.raises(ExportError, match="the check failed"):
        check(tmp_path / "arm.urdf")


def test_names_that_the_export_needs_are_refused(tmp_path: Path) -> None:
    scene = make_scene()
    renamed = replace(scene, objects=(replace(scene.objects[0], name="world"), *scene.objects[1:]))
    with pytest.raises(ExportError, match="called “world”"):
        write_urdf(renamed, tmp_path / "urdf")
    assert list(tmp_path.iterdir()) == []


def test_meshes_hold_the_pieces(tmp_path: Path) -> None:
    path = write_urdf(settled(), tmp_path / "urdf")
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for obj in settled().objects:
        corners = [transform_points(obj.world_from_object, piece.vertices) for piece in obj.collision]
        low = min(float(c[:, 2].min()) for c in corners)
        geoms = [g for g in range(model.ngeom) if model.geom(g).name.startswith(f"{obj.name}-collision-")]
        assert len(geoms) == len(obj.collision)
        found = []
        for g in geoms:
            mesh = model.geom_dataid[g]
            start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
            vertices = model.mesh_vert[start : start + count]
            found.append((vertices @ data.geom_xmat[g].reshape(3, 3).T + data.geom_xpos[g])[:, 2].min())
        assert min(found) == pytest.approx(low, abs=1e-5)
    assert json.loads((path.parent / "export.json").read_text())["model"] == "scene.urdf"
