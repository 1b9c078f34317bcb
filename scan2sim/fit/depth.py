"""Depth that is known before training: sparse points that a photo sees, and sensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scan2sim.errors import FitError
from scan2sim.fit.projection import NEAR
from scan2sim.poses import PosedCapture, PosedFrame, read_depth, read_weighted_depth

__all__ = ["DepthSamples", "point_samples", "sensor_samples", "sensor_scale"]

MAX_SAMPLES = 4096  # of a sensor, per photo
MIN_PAIRS = 20  # to tell a sensor's scale from


@dataclass(frozen=True)
class DepthSamples:
    """Depths that one photo should show."""

    positions: Tensor  # (K, 2) x and y relative to the image's size, 0..1
    depths: Tensor  # (K,) along the camera's z, in the scene's unit [m]
    weights: Tensor  # (K,)

    @staticmethod
    def of(
        positions: NDArray[np.floating], depths: NDArray[np.floating], weights: NDArray[np.floating]
    ) -> DepthSamples:
        """Samples from arrays."""
        return DepthSamples(*(torch.from_numpy(np.asarray(v, dtype=np.float32)) for v in (positions, depths, weights)))

    def to(self, device: torch.device | str) -> DepthSamples:
        """The same on another device."""
        return DepthSamples(self.positions.to(device), self.depths.to(device), self.weights.to(device))

    def __len__(self) -> int:
        return len(self.depths)


def point_samples(posed: PosedCapture, frame: int) -> DepthSamples:
    """The sparse points that a frame was found to see, projected into it.

    Raises:
        FitError: the capture does not tell which frame saw which point.
    """
    if posed.observations is None:
        raise FitError(
            "these poses do not tell which photo saw which sparse point",
            todo="run again with --from poses, or set --fit.depth.points 0",
        )
    camera = posed.frames[frame].camera
    points = posed.observations[posed.observations[:, 0] == frame, 1]
    pixels, depths = camera.project(posed.points[points])
    positions = pixels / [camera.intrinsics.width, camera.intrinsics.height]
    inside = (depths > NEAR) & (positions >= 0).all(1) & (positions < 1).all(1)
    return DepthSamples.of(positions[inside], depths[inside], np.ones(int(inside.sum())))


def sensor_samples(frame: PosedFrame, scale: float) -> DepthSamples | None:
    """An even choice of a sensor's depths, times ``scale``, weighted by its confidence; None if there are none.

    Raises:
        PosesError: a file cannot be read.
        FitError: depth and confidence have different sizes.
    """
    if frame.depth is None:
        return None
    depth, weights = read_weighted_depth(frame, FitError)
    height, width = depth.shape
    stride = max(1, int(np.ceil(np.sqrt(height * width / MAX_SAMPLES))))
    y, x = (axis.ravel() for axis in np.mgrid[stride // 2 : height : stride, stride // 2 : width : stride])
    used = (depth[y, x] > 0) & (weights[y, x] > 0)
    y, x = y[used], x[used]
    return DepthSamples.of(np.stack([(x + 0.5) / width, (y + 0.5) / height], 1), depth[y, x] * scale, weights[y, x])


def sensor_scale(posed: PosedCapture) -> float:
    """Scene units per metre of the sensor: the median ratio of sparse points' depths to the sensor's.

    The scene's scale may be a guess, the sensor's is not.  1 where fewer than 20 points tell.
    """
    ratios = []
    for index, frame in enumerate(posed.frames):
        if frame.depth is None or posed.observations is None:
            continue
        depth, samples = read_depth(frame.depth), point_samples(posed, index)
        size = np.array([depth.shape[1], depth.shape[0]])
        x, y = np.floor(samples.positions.numpy() * size).astype(np.int64).T
        sensed = depth[y, x]
        ratios.append(samples.depths.numpy()[sensed > 0] / sensed[sensed > 0])
    joined = np.concatenate(ratios) if ratios else np.zeros(0)
    return float(np.median(joined)) if len(joined) >= MIN_PAIRS else 1.0
