"""Metres from depth that a sensor measured, at the sparse points that the photos show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scan2sim.errors import PosesError
from scan2sim.poses.depth import read_weighted_depth
from scan2sim.poses.metric.evidence import Refused, ScaleEvidence
from scan2sim.poses.posed import PosedCapture, PosedFrame

__all__ = ["depth_scale"]

Array = NDArray[np.float64]

FLAT = 0.04  # relative range of depth around a point beyond which an edge runs there, over which sensors bleed
MIN_POINTS = 30
MIN_FRAMES = 3
SENSOR_SIGMA = 0.007  # of lengths: what a depth sensor gets wrong everywhere alike
LOOSEST = 0.2  # median deviation of the ratios beyond which depth and photos do not show the same


def depth_scale(posed: PosedCapture) -> ScaleEvidence | Refused | None:
    """The robust ratio of sensor depth to the depth of sparse points; None if there is no depth.

    Ratios are weighted by confidence and taken where depth is smooth.  The logarithm's weighted median of each frame is
    one observation; frames are combined by a biweight, whose spread over frames is the sigma, together with 0.7 % that
    a sensor's own scale may be off.
    """
    frames = [i for i, frame in enumerate(posed.frames) if frame.depth is not None]
    if not frames:
        return None
    if posed.observations is None:
        return Refused("depth", "it is not known which photo saw which sparse point → run again with --from poses")
    medians, weights, deviations = [], [], []
    count = 0
    for index in frames:
        seen = posed.observations[posed.observations[:, 0] == index, 1]
        try:
            ratios, trust = _ratios(posed.frames[index], posed.points[seen])
        except PosesError as problem:
            return Refused("depth", str(problem))
        if len(ratios) < MIN_POINTS // MIN_FRAMES:
            continue
        logs = np.log(ratios)
        middle = _weighted_median(logs, trust)
        medians.append(middle)
        deviations.append(_weighted_median(np.abs(logs - middle), trust))
        weights.append(trust.sum() / max(deviations[-1], 1e-4) ** 2)
        count += len(ratios)
    if len(medians) < MIN_FRAMES or count < MIN_POINTS:
        return Refused("depth", f"only {count} sparse points in {len(medians)} photos have depth of enough confidence")
    if np.median(deviations) > LOOSEST:
        return Refused(
            "depth", f"it differs by {np.median(deviations):.0%} from point to point: it is not of these photos"
        )
    mean, sigma = _biweight(np.array(medians), np.sqrt(weights))
    details = f"depth of {count} points in {len(medians)} photos, each within {np.median(deviations):.1%} of the others"
    return ScaleEvidence("depth", float(np.exp(mean)), float(np.hypot(sigma, SENSOR_SIGMA)), details)


def _ratios(frame: PosedFrame, points: Array) -> tuple[Array, Array]:  # (K,) sensor / point, (K,) weights
    depth, weights = read_weighted_depth(frame)
    height, width = depth.shape
    pixels, z = frame.camera.project(points)
    k = frame.camera.intrinsics
    x, y = np.floor(pixels[:, 0] / k.width * width), np.floor(pixels[:, 1] / k.height * height)
    inside = (z > 0) & (x >= 1) & (x < width - 1) & (y >= 1) & (y < height - 1)
    x, y, z = x[inside].astype(np.int64), y[inside].astype(np.int64), z[inside]
    around = np.stack([depth[y + i, x + j] for i in (-1, 0, 1) for j in (-1, 0, 1)], 1)  # (K, 9)
    middle = np.median(around, 1)
    smooth = (around > 0).all(1) & (np.ptp(around, axis=1) < FLAT * middle)
    weight = weights[y, x]
    used = smooth & (weight > 0)
    return middle[used] / z[used], weight[used]


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _biweight(values: Array, weights: Array) -> tuple[float, float]:
    """Location of the frames' medians and its sigma; frames far off do not count (Tukey's biweight)."""
    mean = _weighted_median(values, weights)
    spread = 1.4826 * max(_weighted_median(np.abs(values - mean), weights), 1e-4)
    used = weights
    for _ in range(10):
        used = weights * np.clip(1 - ((values - mean) / (5 * spread)) ** 2, 0, None) ** 2
        mean = float(used @ values / used.sum())
    share = used / used.sum()
    return mean, float(np.sqrt((share**2 * (values - mean) ** 2).sum()))
