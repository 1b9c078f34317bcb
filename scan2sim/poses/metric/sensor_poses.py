"""Metres from the poses that a phone's own tracking gives (ARKit, ARCore), and its up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.geometry import inverse_transform, similarity_between
from scan2sim.poses.metric.evidence import Refused, ScaleEvidence

__all__ = ["Alignment", "align_sensor_poses", "pose_scale"]

Array = NDArray[np.float64]

MIN_POSES = 4
HYPOTHESES = 400
AGREES_DEG = 5.0  # median difference of relative rotations: tracking is off by 1°, another convention by tens
TIED_DEG = 0.5  # conventions whose rotations agree this much alike are told apart by positions
MOST_PAIRS = 2000
MIN_INLIERS = 0.5  # of the poses
LOOSEST = 0.15  # of the cameras' spread: residual beyond which nothing fits
SENSOR_SIGMA = 0.006  # of lengths: what tracking gets wrong everywhere alike, which no residual shows
DRIFTS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # variance of drift over the whole way, in variances of the noise

OPENGL = np.diag([1.0, -1.0, -1.0])
TURNS = {0: "", 90: "turned by 90°", 180: "turned by 180°", 270: "turned by 270°"}


@dataclass(frozen=True)
class Alignment:
    """The similarity between the sensor's world and the scene."""

    factor: float  # metres of the sensor per metre of the scene
    relative_sigma: float
    rotation: Array  # (3, 3) scene_from_sensor
    rotation_sigma_deg: float  # of the mean over all frames
    inliers: int
    total: int
    residual: float  # [m] median distance of the inliers' centres
    convention: str  # how the poses had to be read; empty if as they are


def align_sensor_poses(
    poses: Sequence[Array],  # (4, 4) each, world_from_camera in the scene
    sensor: Sequence[Array | None],  # (4, 4) each [m], world_from_camera in the sensor's world; None where unknown
    seed: int = 0,
) -> Alignment | Refused:
    """Align a sensor's poses to those found in the photos (Umeyama 1991), without those that do not fit.

    Rotations tell the convention: the turn from one camera to another is the same in both worlds, whatever they are.
    If the poses do not agree as they are (OpenCV axes, world_from_camera) but do so with OpenGL axes, inverted,
    transposed, or turned as a picture is turned upright, they are read that way and the convention says so.
    """
    both = [i for i, pose in enumerate(sensor) if pose is not None and np.isfinite(pose).all()]
    if len(both) < MIN_POSES:
        return Refused(
            "arkit", f"only {len(both)} photos with a camera have a pose of the sensor; {MIN_POSES} are needed"
        )
    solved = np.array([poses[i] for i in both])
    given = np.array([sensor[i] for i in both], dtype=np.float64)
    read, convention, off = _read_convention(solved, given)
    if off > AGREES_DEG:
        problem = f"its rotations differ from the photos' by {off:.0f}° in every known convention"
        return Refused(
            "arkit", f"{problem} → export world_from_camera of OpenCV or OpenGL cameras, in the photos' order"
        )
    source, target = solved[:, :3, 3], read[:, :3, 3]
    inliers = _agreeing(source, target, np.random.default_rng(seed))
    spread = float(np.sqrt(((target - np.median(target, 0)) ** 2).sum(1).mean()))
    if inliers is None or spread < 1e-6:
        return Refused(
            "arkit", "the sensor's positions do not fit the photos': its tracking was lost, or files are mixed up"
        )
    residual = _residuals(source, target, inliers)[inliers]
    if np.median(residual) > LOOSEST * spread:
        share = np.median(residual) / spread
        return Refused(
            "arkit", f"the sensor's positions fit the photos' only to {share:.0%} of their spread: tracking was lost"
        )
    rotation, sigma = _mean_rotation(solved[inliers, :3, :3] @ np.swapaxes(read[inliers, :3, :3], 1, 2))
    factor, spread = _drifting_scale(source[inliers] @ rotation, target[inliers])
    count, relative = int(inliers.sum()), float(np.hypot(spread, SENSOR_SIGMA))
    return Alignment(factor, relative, rotation, sigma, count, len(both), float(np.median(residual)), convention)


def pose_scale(alignment: Alignment) -> ScaleEvidence:
    """What an alignment says about metres."""
    details = (
        f"{alignment.inliers} of {alignment.total} sensor poses fit to {1e3 * alignment.residual:.0f} mm (median)"
        + (f", read as {alignment.convention}" if alignment.convention else "")
    )
    return ScaleEvidence("arkit", alignment.factor, alignment.relative_sigma, details)


def _read_convention(solved: Array, given: Array) -> tuple[Array, str, float]:
    """The sensor's poses as OpenCV world_from_camera, how they were read, and how far rotations are off [degrees]."""
    given = given.copy()
    ways = {"": given, "inverted poses": inverse_transform(given)}
    transposed = given.copy()
    transposed[:, :3, :3] = np.swapaxes(given[:, :3, :3], 1, 2)
    ways["transposed rotations"] = transposed
    found = []
    for way, poses in ways.items():
        for axes, flip in (("", np.eye(3)), ("OpenGL axes", OPENGL)):
            for degrees, turn in TURNS.items():
                read = poses.copy()
                read[:, :3, :3] = poses[:, :3, :3] @ flip @ _about_z(degrees)
                off = _rotations_off(solved, read)
                name = ", ".join(part for part in (way, axes, turn) if part)
                misfit = float(np.median(_residuals(solved[:, :3, 3], read[:, :3, 3], np.ones(len(read), dtype=bool))))
                spread = max(float(np.ptp(read[:, :3, 3], axis=0).max()), 1e-9)
                found.append((off, misfit / spread, name, read))
    off, _, name, read = found[0]
    if off > AGREES_DEG:
        best = min(each[0] for each in found)
        tied = [each for each in found if each[0] <= best + TIED_DEG]
        off, _, name, read = min(tied, key=lambda each: each[1])
    return read, name, off


def _about_z(degrees: int) -> Array:
    c, s = np.round([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _rotations_off(solved: Array, given: Array) -> float:
    """Median angle [degrees] between the relative rotations of both."""
    first, second = np.triu_indices(len(solved), 1)
    if len(first) > MOST_PAIRS:
        some = np.linspace(0, len(first) - 1, MOST_PAIRS).round().astype(int)
        first, second = first[some], second[some]

    def relative(poses: Array) -> Array:
        rotations = poses[:, :3, :3]
        return np.swapaxes(rotations[first], 1, 2) @ rotations[second]

    turn = np.einsum("pij,pij->p", relative(solved), relative(given))  # trace of one's transpose times the other
    return float(np.degrees(np.median(np.arccos(np.clip((turn - 1) / 2, -1, 1)))))


def _residuals(source: Array, target: Array, used: NDArray[np.bool_]) -> Array:  # (N,) [m]
    if np.ptp(source[used], axis=0).max() < 1e-12:
        return np.full(len(source), np.inf)
    scale, rotation, shift = similarity_between(source[used], target[used])
    return np.linalg.norm(scale * source @ rotation.T + shift - target, axis=1)


def _agreeing(source: Array, target: Array, rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Poses that one similarity explains: least median of squares over random triples (Rousseeuw 1984), then again."""
    best, smallest = None, np.inf
    for _ in range(HYPOTHESES):
        triple = rng.choice(len(source), 3, replace=False)
        used = np.zeros(len(source), dtype=bool)
        used[triple] = True
        middle = float(np.median(_residuals(source, target, used)))
        if middle < smallest:
            best, smallest = used, middle
    if best is None:
        return None
    used = best
    for _ in range(5):
        residual = _residuals(source, target, used)
        limit = 3.0 * 1.4826 * max(float(np.median(residual)), 1e-9) / 1.538  # the median length of a 3D normal deviate
        used = residual <= max(limit, float(np.sort(residual)[max(MIN_POSES, len(residual) // 2) - 1]))
    return used if used.sum() >= max(MIN_POSES, MIN_INLIERS * len(source)) else None


def _drifting_scale(source: Array, target: Array) -> tuple[float, float]:  # (N, 3) each, in one orientation
    """Scale s and its relative sigma in target = s source + t + noise + drift.

    Drift is a random walk along the way, so neighbours err alike.  The share of drift is the one that makes the
    positions likeliest (restricted maximum likelihood, Patterson and Thompson 1971), scale and sigma follow by
    generalized least squares.
    """
    count = len(source)
    way = np.cumsum(np.append(0, np.linalg.norm(np.diff(target, axis=0), axis=1)))
    together = np.minimum(way[:, None], way[None]) / max(way[-1], 1e-12)
    best = (-np.inf, 1.0, 1.0)
    for drift in DRIFTS:
        half = np.linalg.cholesky(np.eye(count) + drift * together)
        design = np.zeros((3 * count, 4))
        values = np.zeros(3 * count)
        for axis in range(3):
            rows = slice(axis * count, (axis + 1) * count)
            design[rows, 0] = np.linalg.solve(half, source[:, axis])
            design[rows, 1 + axis] = np.linalg.solve(half, np.ones(count))
            values[rows] = np.linalg.solve(half, target[:, axis])
        normal = design.T @ design
        solution = np.linalg.solve(normal, design.T @ values)
        free = 3 * count - 4
        variance = float(((values - design @ solution) ** 2).sum()) / free
        likelihood = -free / 2 * np.log(max(variance, 1e-18)) - 3 * np.log(np.diag(half)).sum()
        likelihood -= 0.5 * np.linalg.slogdet(normal)[1]
        if likelihood > best[0]:
            best = (likelihood, solution[0], np.sqrt(variance * np.linalg.inv(normal)[0, 0]) / abs(solution[0]))
    return float(best[1]), float(best[2])


def _mean_rotation(rotations: Array) -> tuple[Array, float]:  # (3, 3), sigma [degrees] of the mean
    """The rotation nearest to all, those far off counting less (Hartley et al. 2013)."""
    weights = np.ones(len(rotations))
    mean = rotations[0]
    angles = np.zeros(len(rotations))
    for _ in range(10):
        u, _, vt = np.linalg.svd(np.einsum("n,nij->ij", weights, rotations))
        mean = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        cosine = (np.einsum("nij,ij->n", rotations, mean) - 1) / 2
        angles = np.arccos(np.clip(cosine, -1, 1))
        weights = 1 / (angles + np.median(angles) + 1e-9)
    return mean, float(np.degrees(np.sqrt((angles**2).mean() / 3) / np.sqrt(len(rotations))))
