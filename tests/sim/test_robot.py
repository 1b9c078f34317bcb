# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false
"""A robot beside a scene: where it stands, how it starts, what it reaches; a small arm for a downloaded one."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh

from scan2sim.errors import UsageError
from scan2sim.export import check_mjcf, write_mjcf
from scan2sim.scene import Scene
from scan2sim.sim import add_robot, fetch_robot, settled_scene
from tests.scene.factory import make_scene

pytest.importorskip("mujoco_menagerie")

ARM = """
<mujoco model="panda">
  <compiler angle="radian" meshdir="assets"/>
  <option timestep="0.002" cone="pyramidal"/>
  <default><default class="arm"><joint damping="5" armature="0.1"/></default></default>
  <asset><mesh name="base" file="base.stl"/></asset>
  <worldbody>
    <body name="link0" childclass="arm">
      <geom type="mesh" mesh="base" mass="2"/>
      <body name="link1" pos="0 0 0.3">
        <joint name="joint1" axis="0 0 1" range="-3 3"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.05" size="0.04" mass="1"/>
        <body name="link2" pos="0 0 0.05">
          <joint name="joint2" axis="0 1 0" range="-2 2"/>
          <geom type="capsule" fromto="0 0 0 0 0 0.4" size="0.03" mass="1"/>
          <body name="link3" pos="0 0 0.4">
            <joint name="joint3" axis="0 1 0" range="-3 3"/>
            <geom type="capsule" fromto="0 0 0 0 0 0.35" size="0.025" mass="0.7"/>
            <body name="hand" pos="0 0 0.4">
              <joint name="joint4" axis="0 1 0" range="-3 3"/>
              <geom type="sphere" size="0.02" mass="0.1"/>
            </body>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position joint="joint1" kp="800" kv="40"/><position joint="joint2" kp="800" kv="40"/>
    <position joint="joint3" kp="800" kv="40"/><position joint="joint4" kp="200" kv="10"/>
  </actuator>
  <keyframe><key name="home" qpos="0 -0.5 1.6 0.6" ctrl="0 -0.5 1.6 0.6"/></keyframe>
</mujoco>
"""


@pytest.fixture
def panda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "menagerie" / "franka_emika_panda"
    (home / "assets").mkdir(parents=True)
    trimesh.creation.box((0.1, 0.1, 0.1)).export(home / "assets" / "base.stl")
    (home / "panda.xml").write_text(ARM)
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path / "menagerie"))
    return home / "panda.xml"


def settled() -> Scene:
    return settled_scene(make_scene())[0]


def started(model: mujoco.MjModel) -> mujoco.MjData:
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    mujoco.mj_forward(model, data)
    return data


def test_the_export_has_the_robot_in_its_own_keyframe_and_holds_it_there(tmp_path: Path, panda: Path) -> None:
    path = write_mjcf(settled(), tmp_path / "out", robot="franka_emika_panda")
    figures = check_mjcf(path)
    assert figures["passed"], figures["problems"]
    panda.unlink()  # the export stands alone
    model = mujoco.MjModel.from_xml_path(str(path))
    data = started(model)
    assert data.joint("robot/joint3").qpos == pytest.approx(1.6)
    assert data.ctrl == pytest.approx([0, -0.5, 1.6, 0.6])
    assert model.opt.timestep == pytest.approx(1 / 480, rel=1e-4)
    assert model.opt.cone == mujoco.mjtCone.mjCONE_ELLIPTIC
    for obj in settled().objects:
        assert data.body(obj.name).xpos == pytest.approx(obj.position, abs=1e-5)
    before = data.body("robot/hand").xpos.copy()
    mujoco.mj_step(model, data, 480)
    assert np.isfinite(data.qpos).all()
    assert np.linalg.norm(data.body("robot/hand").xpos - before) < 0.03  # servos give way a little to gravity


def test_it_stands_beside_the_support_and_reaches_what_is_on_it(panda: Path) -> None:
    scene = settled()
    model = add_robot(scene, panda).compile()
    data = started(model)
    base = data.body("robot/link0").xpos
    assert (np.abs(base[:2]) > [0.3, 0.25]).any()  # the table is 60 by 50 cm
    assert base[2] == pytest.approx(0)
    lengths = np.linalg.norm(np.array([o.position[:2] for o in scene.objects]) - base[:2], axis=1)
    assert lengths.max() < 0.75  # of an arm of 0.8 m
    jacobian = np.zeros((3, model.nv))
    for obj in scene.objects:
        above = obj.position + np.array([0, 0, 0.1])
        data = started(model)
        for _ in range(300):
            mujoco.mj_jacBody(model, data, jacobian, None, model.body("robot/hand").id)
            arm = jacobian[:, -4:]
            step = arm.T @ np.linalg.solve(arm @ arm.T + 1e-2 * np.eye(3), above - data.body("robot/hand").xpos)
            data.qpos[-4:] = np.clip(data.qpos[-4:] + 0.2 * step, model.jnt_range[-4:, 0], model.jnt_range[-4:, 1])
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
        assert np.linalg.norm(data.body("robot/hand").xpos - above) < 0.01, obj.name


def test_on_a_wide_support_it_stands_on_it_beside_the_things(panda: Path) -> None:
    scene = settled()
    wide = replace(scene, supports=(replace(scene.supports[0], polygon=10 * scene.supports[0].polygon),))
    data = started(add_robot(wide, panda).compile())
    base = data.body("robot/link0").xpos[:2]
    assert min(np.linalg.norm(o.position[:2] - base) for o in scene.objects) > 0.2
    assert max(np.linalg.norm(o.position[:2] - base) for o in scene.objects) < 0.75


def test_what_cannot_be_had_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="franka_emika_panda"):
        fetch_robot("franka_emika_pand")
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be had"):
        fetch_robot("franka_emika_panda")
