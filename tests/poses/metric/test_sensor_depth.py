"""Sensor depth against sparse points: scale, confidence, edges, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from scan2sim.capture import Frame
from scan2sim.poses import PosedCapture
from scan2sim.poses.depth import usable_depth
from scan2sim.poses.metric import Refused, ScaleEvidence
from scan2sim.poses.metric.sensor_depth import depth_scale
from tests.poses.metric.tabletop import around, rescaled
from tests.poses.test_depth import make_frame

FACTOR = 1.3


def capture(folder: Path, scale: float = FACTOR, noise: float = 0.01, seed: int = 0) -> PosedCapture:
    """Points on a table with a step of 10 cm, and what a sensor of 96×72 says about them, edges bled."""
    from scan2sim.poses import Gravity, PosedFrame, Scale

    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.2, -0.2, 0], [0.2, 0.2, 0], (400, 3))
    points[:, 2] = np.where(points[:, 0] > 0.05, 0.1, 0.0)
    frames, seen = [], []
    for index, camera in enumerate(around(6)):
        k = camera.intrinsics.resized(96, 72)
        x, y = np.meshgrid((np.arange(96) + 0.5 - k.cx) / k.fx, (np.arange(72) + 0.5 - k.cy) / k.fy)
        rays = np.stack([x, y, np.ones_like(x)], -1) @ camera.world_from_camera[:3, :3].T
        low = -camera.position[2] / rays[..., 2]
        high = (0.1 - camera.position[2]) / rays[..., 2]
        depth = np.where(camera.position[0] + high * rays[..., 0] > 0.05, high, low)
        edge = ndimage.maximum_filter(depth, 3) - ndimage.minimum_filter(depth, 3) > 0.05
        measured = ndimage.gaussian_filter(depth, 0.8) * scale / FACTOR * (1 + rng.normal(0, noise, depth.shape))
        confidence = np.where(edge, 0, 2).astype(np.uint8)
        confidence[:, :20] = 0
        measured[:, :20] *= 3  # what the sensor itself does not believe
        np.save(folder / f"{index}.npy", measured.astype(np.float32))
        np.save(folder / f"{index}-c.npy", confidence)
        small = rescaled(camera, 1 / FACTOR)
        frames.append(
            PosedFrame(folder / "x.jpg", f"{index}.jpg", small, 0.3, folder / f"{index}.npy", folder / f"{index}-c.npy")
        )
        pixels, _ = camera.project(points)
        inside = np.flatnonzero(((pixels > 2) & (pixels < [478, 358])).all(1))
        seen.append(np.stack([np.full(len(inside), index), inside], 1))
    observations = np.concatenate(seen).astype(np.int32)
    colors = np.zeros((400, 3), np.uint8)
    return PosedCapture(
        tuple(frames), points / FACTOR, colors, Scale("guess", 0.35), Gravity("support", 2.0), observations=observations
    )


def test_depth_gives_the_scale(tmp_path: Path) -> None:
    found = depth_scale(capture(tmp_path))
    assert isinstance(found, ScaleEvidence)
    assert abs(np.log(found.factor / FACTOR)) < min(0.01, 2 * found.relative_sigma)
    assert 0.005 < found.relative_sigma < 0.015


def test_a_sensor_that_measures_short_gives_a_smaller_scale(tmp_path: Path) -> None:
    found = depth_scale(capture(tmp_path, scale=0.9 * FACTOR))
    assert isinstance(found, ScaleEvidence)
    assert found.factor == pytest.approx(0.9 * FACTOR, rel=0.01)


def test_no_depth_is_no_evidence_and_foreign_depth_is_refused(tmp_path: Path) -> None:
    posed = capture(tmp_path)
    bare = tuple(replace(frame, depth=None, confidence=None) for frame in posed.frames)
    assert depth_scale(replace(posed, frames=bare)) is None
    rng = np.random.default_rng(1)
    for index in range(6):
        blotches = ndimage.zoom(np.exp(rng.normal(0, 1.0, (9, 12))), 8, order=0)
        np.save(tmp_path / f"{index}.npy", blotches.astype(np.float32))
    foreign = depth_scale(posed)
    assert isinstance(foreign, Refused)
    assert "not of these photos" in foreign.reason
    np.save(tmp_path / "0-c.npy", np.zeros((10, 10), np.uint8))
    unequal = depth_scale(posed)
    assert isinstance(unequal, Refused)
    assert "confidence 10×10" in unequal.reason


@pytest.mark.parametrize(
    ("depth", "confidence", "kept", "problem"),
    [
        ((24, 32), (24, 32), (True, True), ""),
        ((32, 24), None, (False, False), "not turned upright"),
        ((24, 64), None, (False, False), "another shape"),
        ((24, 32), (12, 16), (True, False), "confidence is 16×12"),
    ],
)
def test_depth_that_does_not_fit_its_photo_is_left_out(
    tmp_path: Path,
    depth: tuple[int, int],
    confidence: tuple[int, int] | None,
    kept: tuple[bool, bool],
    problem: str,
) -> None:
    levels = None if confidence is None else np.ones(confidence, np.uint8)
    frame: Frame = make_frame(tmp_path, np.ones(depth, np.float32), levels)
    usable, said = usable_depth(frame)
    assert (usable.depth is not None, usable.confidence is not None) == kept
    assert problem in said
    assert bool(said) == bool(problem)
