"""What is hollow stays hollow in simulation, and what is dropped into it stays there."""

# trimesh and MuJoCo fill their classes and modules at run time
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from dataclasses import replace
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh

from scan2sim.bodies import close_mesh, piece_fit
from scan2sim.scene import Label, ObjectConfig, Scene, SceneObject, object_from_mesh
from scan2sim.sim import mujoco_spec
from tests.scene.factory import bowl_mesh, make_scene, splats_on

MESHES = Path(__file__).parents[2] / "assets" / "captures" / "tabletop" / "meshes"
RADIUS = 0.005  # of the ball [m]


@cache
def hollow(kind: str) -> SceneObject:
    """A bowl on the table, its middle over the origin: the scanned one, or one with walls of 2 mm."""
    if kind == "scan":
        mesh = close_mesh(trimesh.load_mesh(MESHES / "bowl.ply", process=False))
    else:
        mesh = bowl_mesh(wall=0.002, sections=32)
    low, high = mesh.bounds
    mesh.apply_translation([-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]])
    splats = splats_on(mesh, 10, (1, 2, 3))
    label, config = Label("bowl", 1.0, "person"), ObjectConfig(texture=0)
    return object_from_mesh(1, "bowl", label, mesh, splats, config, material="ceramic")


def dropped(scene: Scene, place: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where a ball let go at a place of the scene is after 0.8 s, and where the bowl is (3,) [m]."""
    spec = mujoco_spec(scene)
    for key in list(spec.keys):
        spec.delete(key)  # it knows nothing of the ball
    body = spec.worldbody.add_body(name="ball", pos=place)
    body.add_freejoint()
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[RADIUS, 0, 0], density=1000)
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(round(0.8 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    return data.body("ball").xpos.copy(), data.body("bowl").xpos.copy()


@pytest.mark.parametrize("kind", ["scan", "thin"])
def test_a_ball_dropped_into_a_bowl_stays_in_it(kind: str) -> None:
    bowl = hollow(kind)
    scene = replace(make_scene(), objects=(bowl,))
    low, high = bowl.visual.bounds + bowl.position
    for x, y, height in ((0.0, 0.0, 0.1), (-0.01, 0.02, 0.1)):
        ball, place = dropped(scene, (x, y, high[2] + height))
        assert np.linalg.norm(ball[:2] - place[:2]) < (high[0] - low[0]) / 4  # at the bottom, not in the wall
        assert RADIUS < ball[2] < RADIUS + 0.012  # on the bottom, over the table
        assert np.linalg.norm(place - bowl.position) < 0.003


@pytest.mark.parametrize("kind", ["scan", "thin"])
def test_the_pieces_of_a_bowl_are_near_its_surface(kind: str) -> None:
    bowl = hollow(kind)
    fit = piece_fit(bowl.visual, bowl.collision)
    size = bowl.visual.extents.max()
    assert fit.mean < 0.006 * size
    assert fit.farthest < 0.04 * size
    assert fit.volume_ratio < 1.7
