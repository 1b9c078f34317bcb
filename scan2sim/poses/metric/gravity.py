"""Up from motion data, from tracking, and from the support that things stand on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scan2sim.poses.metric.evidence import GravityEvidence, Refused
from scan2sim.poses.metric.sensor_poses import Alignment
from scan2sim.poses.posed import Gravity

__all__ = ["fuse_gravity", "motion_gravity", "tracked_gravity"]

Array = NDArray[np.float64]

MOTION_SIGMA_DEG = 0.25  # what accelerometers are off by everywhere alike
TRACKING_SIGMA_DEG = 0.3
SCATTER_DEG = 8.0  # of single photos' up about their mean: beyond, the axes are not the camera's
LIKELY_UP_DEG = 20.0  # from that to a tracking world's y axis: beyond, the world is not one with y up
STEEPEST_DEG = 35.0  # between up and the support's normal or the cameras' common up: beyond, things would slide off
SAME_SIGMA = 3.0


def motion_gravity(
    rotations: Sequence[Array],  # (3, 3) each, scene_from_camera
    gravity: Sequence[tuple[float, float, float] | None],  # in camera coordinates, downwards
    expected: Array,  # (3,) up as far as it is known without
) -> GravityEvidence | Refused | None:
    """Up from what the phone's accelerometer said at each photo; None if it said nothing."""
    ups = [-r @ np.asarray(g, dtype=np.float64) for r, g in zip(rotations, gravity, strict=True) if g is not None]
    ups = [up / np.linalg.norm(up) for up in ups if np.isfinite(up).all() and np.linalg.norm(up) > 1e-6]
    if not ups:
        return None
    mean, scatter = _mean_direction(np.array(ups))
    if scatter > SCATTER_DEG:
        problem = f"gravity differs by {scatter:.0f}° from photo to photo: not in camera axes, or the scene was turned"
        return Refused("imu", problem)
    off = _angle(mean, expected)
    if off > STEEPEST_DEG:
        return Refused(
            "imu", f"gravity would make the support {off:.0f}° steep: it is not given in camera axes, downwards"
        )
    sigma = float(np.hypot(MOTION_SIGMA_DEG, scatter / np.sqrt(len(ups))))
    return GravityEvidence("imu", mean, sigma, f"motion data of {len(ups)} photos, {scatter:.1f}° apart")


def tracked_gravity(alignment: Alignment, expected: Array) -> GravityEvidence | Refused:
    """Up from a tracking world whose y axis points up, as ARKit's and ARCore's do."""
    up = alignment.rotation @ [0.0, 1.0, 0.0]
    off = _angle(up, expected)
    if off > LIKELY_UP_DEG:
        return Refused(
            "arkit", f"the y axis of the sensor's world is {off:.0f}° from up: its axes are others than ARKit's"
        )
    sigma = float(np.hypot(TRACKING_SIGMA_DEG, alignment.rotation_sigma_deg))
    return GravityEvidence("arkit", up, sigma, f"the y axis of {alignment.inliers} poses of the sensor")


def fuse_gravity(evidence: Sequence[GravityEvidence]) -> tuple[Array, Gravity, tuple[str, ...]]:
    """Up (3,), how well it is known, and what disagrees.

    The surest evidence is believed; what agrees with it within three sigmas is averaged in, weighted by 1 / sigma².
    What does not agree is said: a support that disagrees with motion data is a tilted table, and stays one.
    """
    surest = min(evidence, key=lambda each: each.sigma_deg)
    used, warnings = [], []
    for each in evidence:
        apart = _angle(each.up, surest.up)
        agrees = apart <= SAME_SIGMA * np.hypot(each.sigma_deg, surest.sigma_deg)
        if agrees:
            used.append(each)
        elif each.source == "support":
            warnings.append(
                f"the support is tilted by {apart:.1f}° against gravity (from {surest.source}), and stays so"
            )
        elif each.source != "guess":
            problem = f"{each.source} puts up {apart:.1f}° from where {surest.source} puts it"
            warnings.append(f"{problem}; {surest.source} is believed → check which of them is in the photos' axes")
    weights = np.array([each.sigma_deg**-2 for each in used])
    up = weights @ np.array([each.up for each in used])
    up /= np.linalg.norm(up)
    notes = tuple(
        {
            "source": each.source,
            "off_deg": round(_angle(each.up, up), 3),
            "sigma_deg": round(each.sigma_deg, 3),
            "used": each in used,
            "details": each.details,
        }
        for each in evidence
    )
    return up, Gravity(surest.source, float(weights.sum() ** -0.5), notes), tuple(warnings)


def _mean_direction(directions: Array) -> tuple[Array, float]:  # (3,), scatter about it [degrees]
    """The direction nearest to all, those far off counting less."""
    weights = np.ones(len(directions))
    mean = directions[0]
    angles = np.zeros(len(directions))
    for _ in range(10):
        mean = weights @ directions
        mean /= max(float(np.linalg.norm(mean)), 1e-12)
        angles = np.degrees(np.arccos(np.clip(directions @ mean, -1, 1)))
        weights = 1 / (angles + np.median(angles) + 1e-6)
    return mean, float(np.median(angles))


def _angle(a: Array, b: Array) -> float:  # [degrees]
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
