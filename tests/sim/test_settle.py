# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from dataclasses import replace
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh

from scan2sim.bodies import ConvexConfig
from scan2sim.scene import Label, ObjectConfig, RestsOn, Scene, object_from_mesh
from scan2sim.sim import CONTACT, compile_scene, rest_on_support, settle, settled_scene
from tests.scene.factory import make_scene, splats_on

MESHES = Path(__file__).parents[2] / "assets" / "captures" / "tabletop" / "meshes"


@cache
def tabletop() -> Scene:
    """The five scanned things of the capture's truth, half a millimetre above a slab."""
    objects = []
    for id, name in enumerate(("bowl", "lemon", "kiwi", "mouse", "board"), 1):
        mesh = trimesh.load_mesh(MESHES / f"{name}.ply", process=False)
        splats = splats_on(trimesh.creation.box((0.1, 0.1, 0.1)), 10, (1, 2, 3))
        config = ObjectConfig(faces=4000, texture=0, convex=ConvexConfig(faces=500))
        objects.append(object_from_mesh(id, name, Label(name, 1.0, "person"), mesh, splats, config))
    slab = trimesh.creation.box((0.8, 0.8, 0.04))
    slab.apply_translation([0, 0, -0.02])
    return replace(make_scene(), objects=tuple(objects), background_collision=(slab,))


def moved(scene: Scene, index: int, offset: tuple[float, float, float]) -> Scene:
    objects = list(scene.objects)
    objects[index] = replace(objects[index], position=objects[index].position + np.array(offset))
    return replace(scene, objects=tuple(objects))


def test_scanned_things_settle_and_then_stay() -> None:
    scene, result = settled_scene(tabletop())
    assert set(result.objects) == {"bowl", "lemon", "kiwi", "mouse", "board"}
    assert result.unsettled == ()
    assert result.drift < 0.004
    assert result.penetration < 0.0006
    again = settle(scene)
    assert again.drift < 0.0005
    assert again.turn < np.radians(1.0)
    assert max(s.speed for s in again.objects.values()) < 0.002  # no chatter


def test_a_steady_push_does_not_chatter() -> None:
    """Why solimp starts near zero: with MuJoCo's default the flat board trembles several times as much."""
    trembling = {}
    for name, contact in (("table", CONTACT), ("default", replace(CONTACT, solimp=(0.9, 0.95, 0.001)))):
        board = next(o for o in tabletop().objects if o.name == "board")
        model = compile_scene(replace(tabletop(), objects=(board,)), contact)
        data = mujoco.MjData(model)
        speeds = []
        for step in range(600):
            # a damped finger on the centre of mass that wants 15 cm/s
            data.xfrc_applied[1, :2] = 20 * (np.array([0.15, 0]) - data.qvel[:2])
            mujoco.mj_step(model, data)
            if step > 200:
                speeds.append(data.qvel[:2].copy())
        trembling[name] = float(np.std(np.diff(speeds, axis=0)))
    assert trembling["table"] < 0.5 * trembling["default"]


def test_a_dropped_box_falls_as_far_as_it_must() -> None:
    result = settle(moved(make_scene(), 0, (0, 0, 0.02)))
    assert result.objects["box"].drift == pytest.approx(0.02, abs=0.0015)
    assert result.objects["box"].position[2] == pytest.approx(0.025, abs=0.0006)
    assert result.objects["ball"].drift < 0.001


@pytest.mark.parametrize("offset", [-0.006, 0.007, 0.03])
def test_things_are_put_onto_their_support(offset: float) -> None:
    scene = make_scene()
    placed = rest_on_support(moved(scene, 0, (0, 0, offset)))
    assert placed.objects[0].position == pytest.approx(scene.objects[0].position, abs=5e-5)
    assert placed.objects[0].wxyz.tolist() == scene.objects[0].wxyz.tolist()


def test_what_stands_in_a_bowl_stays_in_it() -> None:
    scene = make_scene()
    bowl = scene.objects[2]
    ball = replace(scene.objects[1], position=bowl.position + np.array([0, 0, 0.03]), rests_on=RestsOn(3, "in"))
    stacked = replace(scene, objects=(scene.objects[0], ball, bowl))
    placed = rest_on_support(moved(stacked, 2, (0, 0, 0.012)))  # the bowl hangs in the air, the ball is inside of it
    assert placed.objects[2].position == pytest.approx(bowl.position, abs=1e-4)
    settled, result = settled_scene(placed, tolerance=0.02)  # it rolls to the lowest place of the bowl
    assert result.unsettled == ()
    assert settle(settled).drift < 0.001
    assert np.linalg.norm(settled.objects[1].position[:2] - bowl.position[:2]) < 0.01
    assert 0.02 < settled.objects[1].position[2] < 0.06


def test_overlapping_neighbours_are_not_stacked() -> None:
    scene = make_scene()
    box, ball = scene.objects[:2]
    beside = replace(ball, position=box.position + np.array([0.03 + 0.028, 0, 0.03 - box.position[2]]))
    placed = rest_on_support(replace(scene, objects=(box, beside)))
    assert placed.objects[1].position[2] == pytest.approx(ball.position[2], abs=0.001)


def test_without_anything_below_things_stay_and_are_named() -> None:
    floating = replace(make_scene(), background_collision=())
    scene, result = settled_scene(floating)
    assert set(result.unsettled) == {"box", "ball", "bowl"}
    assert all(np.array_equal(a.position, b.position) for a, b in zip(scene.objects, floating.objects, strict=True))
    assert result.drift > 1


def test_progress_is_reported_and_the_result_is_deterministic() -> None:
    calls: list[tuple[str, int, int]] = []
    scene = make_scene()
    first = settle(scene, 0.5, lambda what, done, total: calls.append((what, done, total)))
    assert calls[-1][1] == calls[-1][2] == 240
    second = settle(scene, 0.5)
    for name in first.objects:
        assert np.array_equal(first.objects[name].position, second.objects[name].position)
