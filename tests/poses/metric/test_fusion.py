"""What is averaged, what is believed, and what is said."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scan2sim.geometry import look_at
from scan2sim.poses.metric import GravityEvidence, Refused, ScaleEvidence, fuse_scale
from scan2sim.poses.metric.gravity import fuse_gravity, motion_gravity

Z = np.array([0.0, 0.0, 1.0])


def says(source: str, factor: float, sigma: float, stated: bool = False) -> ScaleEvidence:
    return ScaleEvidence(source, factor, sigma, "", stated)


def test_agreeing_evidence_is_averaged_by_its_weight() -> None:
    factor, scale, warnings = fuse_scale([says("marker", 1.10, 0.004, True), says("depth", 1.105, 0.008)])
    assert np.log(factor) == pytest.approx((4 * np.log(1.10) + np.log(1.105)) / 5)
    assert scale.source == "marker"
    assert scale.relative_sigma == pytest.approx(0.004 / np.sqrt(1.25))
    assert not warnings
    assert [each["used"] for each in scale.evidence] == [True, True]
    assert scale.evidence[1]["factor"] == pytest.approx(1.105 / factor, rel=1e-5)


def test_a_marker_of_the_wrong_size_is_contradicted_by_sensors() -> None:
    sensors = [says("arkit", 1.0, 0.008), says("depth", 1.005, 0.008)]
    factor, scale, warnings = fuse_scale([says("marker", 1.25, 0.003, True), *sensors])
    assert factor == pytest.approx(1.0025, abs=1e-4)
    assert scale.source in ("arkit", "depth")
    assert [each["used"] for each in scale.evidence] == [False, True, True]
    assert len(warnings) == 1
    assert "the marker makes everything 1.25 times as large" in warnings[0]
    assert "check the size that was stated" in warnings[0]


def test_one_against_one_the_sensor_is_believed_and_both_are_shown() -> None:
    factor, scale, warnings = fuse_scale([says("marker", 2.0, 0.003, True), says("depth", 1.0, 0.01)])
    assert (factor, scale.source, len(scale.evidence), len(warnings)) == (1.0, "depth", 2, 1)


def test_scatter_within_three_sigmas_widens_the_sigma() -> None:
    _, calm, _ = fuse_scale([says("marker", 1.0, 0.01), says("depth", 1.0, 0.01)])
    _, wide, _ = fuse_scale([says("marker", 1.0, 0.01), says("depth", 1.04, 0.01)])
    assert wide.relative_sigma > 1.5 * calm.relative_sigma


def test_without_evidence_it_stays_a_guess() -> None:
    factor, scale, warnings = fuse_scale([], [Refused("marker", "no marker was seen")])
    assert (factor, scale.source, scale.relative_sigma) == (1.0, "guess", 0.35)
    assert warnings == ("the marker was not used for the scale: no marker was seen",)
    _, scale, warnings = fuse_scale([says("depth", 1000.0, 0.01)])
    assert scale.source == "guess"
    assert "check its unit" in warnings[0]


def cameras(count: int = 12) -> list[NDArray[np.float64]]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [look_at([np.cos(a), np.sin(a), 0.8], [0, 0, 0])[:3, :3] for a in angles]


@pytest.mark.parametrize("tilt", [0.0, 7.0, 15.0])
def test_a_tilted_table_stays_tilted(tilt: float) -> None:
    up = Rotation.from_euler("x", tilt, degrees=True).apply(Z)
    rng = np.random.default_rng(3)
    noise = [Rotation.from_rotvec(np.radians(rng.normal(0, 0.5, 3))) for _ in cameras()]
    down = [tuple(n.apply(-r.T @ up)) for n, r in zip(noise, cameras(), strict=True)]
    motion = motion_gravity(cameras(), down, Z)
    assert isinstance(motion, GravityEvidence)
    support = GravityEvidence("support", Z, 2.0, "")
    found, gravity, warnings = fuse_gravity([support, motion])
    assert np.degrees(np.arccos(found @ up)) < 0.3
    assert gravity.source == "imu"
    assert gravity.sigma_deg < 0.5
    said = [float(re.findall(r"tilted by ([\d.]+)°", warning)[0]) for warning in warnings]
    assert said == ([] if tilt < 3 else [pytest.approx(tilt, abs=0.3)])


def test_gravity_in_other_axes_is_refused() -> None:
    camera_axes = [tuple(-r.T @ Z) for r in cameras()]
    assert isinstance(motion_gravity(cameras(), camera_axes, Z), GravityEvidence)
    upwards = motion_gravity(cameras(), [tuple(r.T @ Z) for r in cameras()], Z)
    assert isinstance(upwards, Refused)
    assert "camera axes" in upwards.reason
    world_axes = motion_gravity(cameras(), [(0.0, -1.0, 0.0)] * 12, Z)
    assert isinstance(world_axes, Refused)
    assert motion_gravity(cameras(), [None] * 12, Z) is None
