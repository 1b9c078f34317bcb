"""Tracked poses against solved ones: scale, outliers, drift, conventions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scan2sim.geometry import inverse_transform, look_at
from scan2sim.poses.metric import Refused
from scan2sim.poses.metric.sensor_poses import Alignment, align_sensor_poses

Array = NDArray[np.float64]

FACTOR = 0.8  # metres per unit of the solution


def solved(count: int = 20, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    poses = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        eye = np.array([0.6 * np.cos(angle), 0.6 * np.sin(angle), 0.45 + 0.1 * np.sin(3 * angle)])
        poses.append(look_at(eye + rng.normal(0, 0.02, 3), rng.normal(0, 0.02, 3)))
    return poses


def tracked(poses: list[Array], noise: float = 0.0, degrees: float = 0.0, seed: int = 1) -> list[Array]:
    """The same in metres in another world, with y up."""
    rng = np.random.default_rng(seed)
    world = np.eye(4)
    world[:3, :3] = Rotation.from_euler("xy", [-np.pi / 2, 0.7]).as_matrix()  # z of the solution becomes y
    world[:3, 3] = [3.0, -1.0, 2.0]
    found = []
    for pose in poses:
        metric = pose.copy()
        metric[:3, 3] = FACTOR * pose[:3, 3] + rng.normal(0, noise, 3)
        metric[:3, :3] = Rotation.from_rotvec(np.radians(rng.normal(0, degrees, 3))).as_matrix() @ pose[:3, :3]
        found.append(world @ metric)
    return found


def test_exact_poses_give_the_exact_scale_and_up() -> None:
    found = align_sensor_poses(solved(), list(tracked(solved())))
    assert isinstance(found, Alignment)
    assert found.factor == pytest.approx(FACTOR, rel=1e-9)
    assert found.rotation @ [0, 1, 0] == pytest.approx([0, 0, 1], abs=1e-9)
    assert (found.inliers, found.total, found.convention) == (20, 20, "")


def test_outliers_and_missing_poses_do_not_matter() -> None:
    sensor: list[Array | None] = list(tracked(solved(), 0.003, 0.3))
    rng = np.random.default_rng(2)
    for index in (3, 4, 11, 15):
        jumped = np.array(sensor[index])
        jumped[:3, 3] += rng.normal(0, 0.5, 3)
        sensor[index] = jumped
    sensor[7] = None
    found = align_sensor_poses(solved(), sensor)
    assert isinstance(found, Alignment)
    assert abs(np.log(found.factor / FACTOR)) < min(0.015, 2 * found.relative_sigma)
    assert found.total == 19
    assert 12 <= found.inliers <= 15


@pytest.mark.parametrize("drift", [0.0, 0.03])  # [m] at the end of the way
def test_the_sigma_covers_the_error(drift: float) -> None:
    inside, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sensor = tracked(solved(30, seed), 0.005, 0.3, seed)
        walk = np.cumsum(rng.normal(0, drift / np.sqrt(3 * 30), (30, 3)), axis=0)
        for pose, step in zip(sensor, walk, strict=True):
            pose[:3, 3] += step
        found = align_sensor_poses(solved(30, seed), list(sensor), seed)
        assert isinstance(found, Alignment)
        error = abs(np.log(found.factor / FACTOR))
        errors.append(error)
        inside.append(error < 2 * found.relative_sigma)
    assert np.mean(inside) >= 0.9
    assert np.quantile(errors, 0.9) < 0.015


@pytest.mark.parametrize("name", ["OpenGL axes", "inverted poses", "transposed rotations", "turned by 90°"])
def test_other_conventions_are_read_and_said(name: str) -> None:
    sensor = tracked(solved(), 0.003, 0.3)
    for pose in sensor:
        if name == "OpenGL axes":
            pose[:3, :3] = pose[:3, :3] @ np.diag([1, -1, -1])
        elif name == "inverted poses":
            pose[:] = inverse_transform(pose)
        elif name == "transposed rotations":
            pose[:3, :3] = pose[:3, :3].T.copy()
        else:  # undone by turning back
            pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("z", -90, degrees=True).as_matrix()
    found = align_sensor_poses(solved(), list(sensor))
    assert isinstance(found, Alignment)
    assert found.convention == name
    assert found.factor == pytest.approx(FACTOR, rel=0.015)
    assert found.rotation @ [0, 1, 0] == pytest.approx([0, 0, 1], abs=0.02)


def test_poses_of_another_capture_are_refused() -> None:
    rng = np.random.default_rng(5)
    sensor = tracked(solved())
    order = rng.permutation(20)
    found = align_sensor_poses(solved(), [sensor[i] for i in order])
    assert isinstance(found, Refused)
    assert "convention" in found.reason
    lost = [pose.copy() for pose in sensor]
    for pose in lost:
        pose[:3, 3] = rng.normal(0, 1, 3)
    found = align_sensor_poses(solved(), list(lost))
    assert isinstance(found, Refused)
    assert "tracking was lost" in found.reason
    few = align_sensor_poses(solved(), [*sensor[:3], *[None] * 17])
    assert isinstance(few, Refused)
    assert "only 3" in few.reason
