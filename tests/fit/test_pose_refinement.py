"""The exponential map, the gauge, and cameras that find back to where they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from scan2sim.cameras import Camera, read_cameras
from scan2sim.fit import RefinementConfig, train
from scan2sim.fit.pose_refinement import PoseRefinement, common_motions
from scan2sim.fit.se3 import se3_exp
from scan2sim.geometry import similarity_between
from tests.fit.synthetic import INTRINSICS, blobs, camera_at, posed_capture
from tests.fit.test_trainer import CONFIG

SIZE = 0.5
component = st.floats(-2, 2)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.tuples(*[component] * 6))
def test_the_exponential_is_a_rotation_by_the_vector_and_its_inverse_goes_back(twist):
    values = torch.tensor(twist, dtype=torch.float64)
    motion = se3_exp(values)
    np.testing.assert_allclose(motion[:3, :3], Rotation.from_rotvec(twist[:3]).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(motion @ se3_exp(-values), np.eye(4), atol=1e-10)
    np.testing.assert_allclose(se3_exp(values / 2) @ se3_exp(values / 2), motion, atol=1e-10)


def test_it_is_differentiable_at_zero_and_elsewhere():
    for values in (torch.zeros(2, 6), torch.linspace(-1, 1, 12).reshape(2, 6)):
        assert torch.autograd.gradcheck(se3_exp, (values.double().requires_grad_(),))


@pytest.mark.parametrize("kind", range(7))
def test_moving_turning_or_scaling_all_cameras_is_taken_out(kind):
    cameras = [camera_at(0.6 * i) for i in range(9)]
    poses = np.stack([camera.world_from_camera for camera in cameras])
    step, moved = 1e-4, poses.copy()
    if kind < 3:
        moved[:, kind, 3] += step
    elif kind < 6:
        turn = Rotation.from_rotvec(step * np.eye(3)[kind - 3]).as_matrix()
        moved[:, :3, :3], moved[:, :3, 3] = turn @ poses[:, :3, :3], poses[:, :3, 3] @ turn.T
    else:
        moved[:, :3, 3] *= 1 + step
    local = np.linalg.inv(poses) @ moved
    twists = np.concatenate([Rotation.from_matrix(local[:, :3, :3]).as_rotvec(), local[:, :3, 3] / SIZE], 1).ravel()
    common = common_motions(cameras, SIZE)
    assert common.shape == (54, 7)
    np.testing.assert_allclose(common.T @ common, np.eye(7), atol=1e-9)
    rest = twists - common @ (common.T @ twists)
    assert np.linalg.norm(rest) < 1e-3 * np.linalg.norm(twists)


def test_only_the_photos_own_camera_turns_about_its_own_centre():
    cameras = [camera_at(0.6 * i) for i in range(9)]
    refinement = PoseRefinement(cameras, SIZE, RefinementConfig(rate=1e-3, start=0.5))
    assert not refinement.is_active(0.4)
    assert refinement.is_active(0.5)
    np.testing.assert_allclose(refinement.corrected(4, cameras[4]).world_from_camera, cameras[4].world_from_camera)
    with torch.no_grad():
        refinement.values[4, :3] = torch.tensor([0.0, 0.0, 0.01], dtype=torch.float64)
        refinement.values[4, 3:] = torch.tensor([0.02, 0.0, 0.0], dtype=torch.float64)
    pose = refinement.corrected(4, cameras[4]).world_from_camera
    local = np.linalg.inv(cameras[4].world_from_camera) @ pose
    np.testing.assert_allclose(Rotation.from_matrix(local[:3, :3]).as_rotvec(), [0, 0, 0.01], atol=1e-9)
    np.testing.assert_allclose(local[:3, 3], [0.02 * SIZE, 0, 0], atol=1e-4)
    np.testing.assert_array_equal(refinement.corrected(3, cameras[3]).world_from_camera, cameras[3].world_from_camera)


def test_disturbed_cameras_come_nearer_to_the_truth_and_the_pictures_gain(tmp_path):
    posed, rng = posed_capture(tmp_path / "photos"), np.random.default_rng(0)
    truth = {frame.name: frame.camera.world_from_camera for frame in posed.frames}
    frames = []
    for i, frame in enumerate(posed.frames):
        twist = np.concatenate([rng.normal(0, 0.008, 3), rng.normal(0, 0.003, 3)])
        disturbed = frame.camera.world_from_camera @ se3_exp(torch.from_numpy(twist)).numpy()
        # the held-out one stays as it is: nothing corrects it
        frames.append(frame if i == 4 else replace(frame, camera=replace(frame.camera, world_from_camera=disturbed)))
    disturbed = replace(posed, frames=tuple(frames))
    config = replace(CONFIG, steps=500)
    figures = []
    for name, rate in (("still", 0.0), ("refined", 2e-3)):
        (tmp_path / name).mkdir()
        refinement = RefinementConfig(rate=rate, start=0.2)
        figures.append(train(disturbed, tmp_path / name, replace(config, poses=refinement)).figures)
    assert figures[1]["held_out_psnr"] > figures[0]["held_out_psnr"] + 0.5
    assert 0.1 < figures[1]["pose_correction_deg"] < 3
    assert not (tmp_path / "still" / "cameras.json").exists()
    found = {
        entry.file: entry.camera.world_from_camera for entry in read_cameras(tmp_path / "refined" / "cameras.json")
    }
    given = {frame.name: frame.camera.world_from_camera for frame in frames if frame.name in found}
    assert len(found) == 11
    before, after = (_pixel_errors(poses, truth) for poses in (given, found))
    assert after < 0.6 * before


def _pixel_errors(poses, truth) -> float:
    """Mean distance [pixels] of the scene's points from where they belong, after the best similarity."""
    a, b = np.stack(list(poses.values())), np.stack([truth[name] for name in poses])
    scale, rotation, shift = similarity_between(a[:, :3, 3], b[:, :3, 3])
    points, errors = blobs().means.numpy(), []
    for pose, true in zip(a, b, strict=True):
        moved = pose.copy()
        moved[:3, :3], moved[:3, 3] = rotation @ pose[:3, :3], scale * rotation @ pose[:3, 3] + shift
        pixels = [Camera(INTRINSICS, matrix).project(points)[0] for matrix in (moved, true)]
        errors.append(np.linalg.norm(pixels[0] - pixels[1], axis=1).mean())
    return float(np.mean(errors))
