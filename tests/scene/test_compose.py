"""Background and objects as one set of Gaussians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion, transform, transform_points
from scan2sim.scene import scene_gaussians
from tests.scene.factory import make_scene

UNIT = st.floats(-1, 1)


def test_every_gaussian_is_there_with_its_owner() -> None:
    scene = make_scene()
    whole = scene_gaussians(scene)
    assert whole.object_ids is not None
    counts = {int(i): int((whole.object_ids == i).sum()) for i in whole.object_ids.unique()}
    assert counts == {0: len(scene.background)} | {o.id: len(o.gaussians) for o in scene.objects}
    np.testing.assert_array_equal(whole.means[: len(scene.background)], scene.background.means)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.tuples(UNIT, UNIT, UNIT), st.tuples(UNIT, UNIT, UNIT, UNIT).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_objects_move_as_rigid_bodies(position: tuple[float, ...], wxyz: tuple[float, ...]) -> None:
    scene = make_scene()
    pose = transform(position, wxyz)
    ball = scene.objects[1]
    elsewhere = replace(scene, objects=(scene.objects[0], replace(ball, position=pose[:3, 3], wxyz=np.array(wxyz))))
    for moved in (scene_gaussians(elsewhere), scene_gaussians(scene, poses={"ball": pose}, without=["bowl"])):
        assert moved.object_ids is not None
        mine = moved[moved.object_ids == ball.id]
        np.testing.assert_allclose(mine.means, transform_points(pose, ball.gaussians.means), atol=1e-5)
        axes = matrix_from_quaternion(mine.quats.numpy())
        own = matrix_from_quaternion(ball.gaussians.quats.numpy())
        np.testing.assert_allclose(axes, pose[:3, :3] @ own, atol=1e-5)
        np.testing.assert_array_equal(mine.log_scales, ball.gaussians.log_scales)


def test_objects_can_be_left_out() -> None:
    scene = make_scene()
    names = [thing.name for thing in scene.objects]
    assert len(scene_gaussians(scene, without=names)) == len(scene.background)
    kept = scene_gaussians(scene, without=["ball"]).object_ids
    assert kept is not None
    assert set(kept.tolist()) == {0, 1, 3}
    with pytest.raises(SceneError, match="choose from: box, ball, bowl"):
        scene_gaussians(scene, without=["cat"])
