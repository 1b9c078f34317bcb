# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from scan2sim.errors import SceneError
from scan2sim.geometry import quaternion_from_matrix, rotation_between, transform_points
from scan2sim.scene import Joint, Scene, SceneObject
from scan2sim.sim import CONTACT, compile_scene, mujoco_spec
from tests.scene.factory import make_scene


def with_first(**fields: object) -> Scene:
    scene = make_scene()
    return replace(scene, objects=(replace(scene.objects[0], **fields), *scene.objects[1:]))


def full_inertia(model: mujoco.MjModel, name: str) -> np.ndarray:
    body = model.body(name)
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, body.iquat)
    axes = rotation.reshape(3, 3)
    return axes @ np.diag(body.inertia) @ axes.T


def test_bodies_carry_what_the_scene_says() -> None:
    scene = make_scene()
    model = compile_scene(scene)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert model.nbody == 1 + len(scene.objects)
    for obj in scene.objects:
        body = model.body(obj.name)
        assert body.mass[0] == pytest.approx(obj.physical.mass.value)
        assert full_inertia(model, obj.name) == pytest.approx(obj.physical.inertia, abs=1e-9)
        assert data.body(obj.name).xpos == pytest.approx(obj.position)
        assert model.joint(obj.name).type[0] == mujoco.mjtJoint.mjJNT_FREE
        geoms = [model.geom(i) for i in range(model.ngeom) if model.geom_bodyid[i] == body.id]
        colliding = [g for g in geoms if g.contype[0]]
        assert len(colliding) == len(obj.collision)
        assert {int(g.group[0]) for g in colliding} == {3}
        assert {int(g.group[0]) for g in geoms if not g.contype[0]} == {2}
        assert all(g.friction[0] == obj.physical.friction.value for g in colliding)


def test_geometry_is_where_the_scene_has_it() -> None:
    scene = with_first(wxyz=quaternion_from_matrix(rotation_between([0, 0, 1], [0.3, -0.5, 1])))
    model = compile_scene(scene)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for obj in scene.objects:
        for i, piece in enumerate(obj.collision):
            geom = model.geom(f"{obj.name}-collision-{i}")
            mesh = int(geom.dataid[0])
            start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = data.geom(geom.id).xmat.reshape(3, 3), data.geom(geom.id).xpos
            placed = transform_points(pose, model.mesh_vert[start : start + count])
            expected = transform_points(obj.world_from_object, piece.vertices)
            assert placed.min(0) == pytest.approx(expected.min(0), abs=1e-6)
            assert placed.max(0) == pytest.approx(expected.max(0), abs=1e-6)


def test_the_model_survives_as_text() -> None:
    spec = mujoco_spec(make_scene())
    first = spec.compile()
    again = mujoco.MjModel.from_xml_string(spec.to_xml(), spec.assets)
    assert again.ngeom == first.ngeom
    assert again.body_mass == pytest.approx(first.body_mass, rel=1e-5)
    assert again.key("home").qpos == pytest.approx(first.key("home").qpos, abs=1e-5)
    assert again.opt.timestep == pytest.approx(CONTACT.timestep, rel=1e-5)


def test_the_objects_friction_counts_on_the_ground() -> None:
    """A box on a tilted table slides or stays as its own friction says, whatever the table's is."""
    for friction, tilt, slides in ((0.3, 0.25, False), (0.3, 0.36, True), (0.8, 0.7, False), (0.8, 0.9, True)):
        scene = make_scene()
        box = scene.objects[0]
        estimate = replace(box.physical.friction, value=friction, low=0.0, high=2.0)
        box = replace(box, physical=replace(box.physical, friction=estimate))
        model = compile_scene(replace(scene, objects=(box,)))
        model.opt.gravity[:] = 9.81 * np.array([np.sin(np.arctan(tilt)), 0, -np.cos(np.arctan(tilt))])
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, 480)
        assert (data.body("box").xpos[0] - box.position[0] > 0.01) == slides, (friction, tilt)


def test_fixed_things_stay_and_links_turn() -> None:
    fixed = compile_scene(with_first(mobility="fixed", position=np.array([0, 0, 0.5])))
    data = mujoco.MjData(fixed)
    mujoco.mj_step(fixed, data, 100)
    assert data.body("box").xpos == pytest.approx([0, 0, 0.5])

    scene = make_scene()
    lid: SceneObject = replace(
        scene.objects[0],
        position=np.array([0.0, 0.0, 0.5]),
        mobility="joint",
        joint=Joint(0, "revolute", np.array([-0.05, 0, 0.5]), np.array([0, 1.0, 0]), 0.0, 1.0, 0.0, 0.0),
    )
    handle = replace(
        scene.objects[1],
        position=np.array([0.1, 0.0, 0.5]),
        mobility="joint",
        joint=Joint(1, "prismatic", np.array([0.1, 0, 0.5]), np.array([1.0, 0, 0]), 0.0, 0.1, 0.0, 0.0),
    )
    model = compile_scene(replace(scene, objects=(handle, lid)))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.body("ball").xpos == pytest.approx([0.1, 0, 0.5])
    data.joint("box").qpos[0] = 0.5
    data.joint("ball").qpos[0] = 0.03
    mujoco.mj_forward(model, data)
    turned = np.array([np.cos(0.5), 0, -np.sin(0.5)])
    assert data.body("box").xpos == pytest.approx([-0.05, 0, 0.5] + 0.05 * turned)
    assert data.body("ball").xpos == pytest.approx([-0.05, 0, 0.5] + 0.18 * turned)


def test_scenes_that_cannot_be_simulated_are_refused() -> None:
    with pytest.raises(SceneError, match="reserves"):
        mujoco_spec(with_first(name="world"))
    with pytest.raises(SceneError, match="not consistent"):
        mujoco_spec(with_first(id=2))
    scene = make_scene()
    joint = Joint(2, "revolute", np.zeros(3), np.array([0, 0, 1.0]), 0, 1, 0, 0)
    a = replace(scene.objects[0], mobility="joint", joint=joint)
    b = replace(scene.objects[1], mobility="joint", joint=replace(joint, parent=1))
    with pytest.raises(SceneError, match="circle"):
        mujoco_spec(replace(scene, objects=(a, b)))


def test_a_scene_without_objects_is_a_static_world() -> None:
    model = compile_scene(replace(make_scene(), objects=()))
    assert (model.nbody, model.nq) == (1, 0)
