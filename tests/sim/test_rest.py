# MuJoCo is compiled and carries no type stubs
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from scan2sim.scene import RestsOn, Scene, SceneObject
from scan2sim.sim import collision_model, come_to_rest, compile_scene, let_go, settle
from tests.scene.factory import BALL_RADIUS, BOX, make_scene


def thing(scene: Scene, name: str) -> SceneObject:
    return next(obj for obj in scene.objects if obj.name == name)


def put(scene: Scene, name: str, **changes: object) -> Scene:
    objects = tuple(replace(obj, **changes) if obj.name == name else obj for obj in scene.objects)  # type: ignore[arg-type]
    return replace(scene, objects=objects)


def test_a_model_for_stepping_moves_like_the_whole_one() -> None:
    scene = put(make_scene(), "box", position=np.array([-0.12, 0.05, 0.1]))
    poses = []
    for model in (compile_scene(scene), collision_model(scene)):
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, 200)
        poses.append(np.concatenate([data.body(obj.name).xpos for obj in scene.objects]))
    assert poses[0] == pytest.approx(poses[1], abs=1e-4)
    assert collision_model(scene).ngeom < compile_scene(scene).ngeom


def test_what_hangs_in_the_air_comes_to_rest_on_what_is_below() -> None:
    scene = put(make_scene(), "box", position=np.array([-0.12, 0.05, 0.06]))
    rest = come_to_rest(scene)
    assert thing(rest.scene, "box").position == pytest.approx([-0.12, 0.05, BOX[2] / 2], abs=1e-3)
    assert max(rest.drift.values()) < 0.001
    assert {(touch.lower, touch.upper) for touch in rest.touches} == {(0, 1), (0, 2), (0, 3)}
    assert all(touch.upright > 0.99 and touch.depth < 0.0005 for touch in rest.touches)


def test_the_figures_are_those_of_a_simulation_without_sleep() -> None:
    rest = come_to_rest(make_scene())
    awake = settle(rest.scene)
    for name, drift in rest.drift.items():
        assert abs(awake.objects[name].drift - drift) < 0.0005
        assert abs(awake.objects[name].turn - rest.turn[name]) < np.radians(0.3)


def test_what_falls_is_seen_to_move() -> None:
    scene = put(make_scene(), "box", position=np.array([-0.12, 0.05, 0.05]))
    assert let_go(scene).drift["box"] == pytest.approx(0.025, abs=0.001)
    assert let_go(scene).scene is scene


def test_a_ball_on_a_slope_is_never_still() -> None:
    tilted = make_scene()
    turn = np.array([np.cos(0.15), np.sin(0.15), 0, 0])  # the table falls off by 17°
    slab = tilted.background_collision[0].copy()
    matrix = np.eye(4)
    mujoco.mju_quat2Mat(flat := np.zeros(9), turn)
    matrix[:3, :3] = flat.reshape(3, 3)
    slab.apply_transform(matrix)
    alone = replace(tilted, background_collision=(slab,), objects=(thing(tilted, "ball"),))
    rest = come_to_rest(put(alone, "ball", position=np.array([0, 0, BALL_RADIUS * 1.05])))
    assert rest.drift["ball"] > 0.01


def test_who_carries_whom_is_told_with_the_direction() -> None:
    scene = make_scene()
    bowl = thing(scene, "bowl")
    rest = come_to_rest(put(scene, "ball", position=bowl.position + np.array([0, 0, 0.05]), rests_on=RestsOn(3, "in")))
    pairs = {(touch.lower, touch.upper) for touch in rest.touches}
    assert (3, 2) in pairs
    assert (0, 2) not in pairs
