"""Points that several photos show become points in the scene; points of a known pattern tell its scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.cameras import Camera
from scan2sim.geometry import similarity_between

__all__ = ["PatternFit", "fit_pattern", "triangulate"]

Array = NDArray[np.float64]

MIN_VIEWS = 2
MIN_ANGLE_DEG = 3.0  # between the rays of two views that start a point
PAIRS = 60  # tried per point, at most
INLIER_PX = 2.0
STEPS = 5  # Gauss–Newton
EDGE_BIAS_PX = 0.1  # blur, tone curve and over-exposure move all edges of a print outwards, or all inwards
LENS_SIGMA = 0.001  # what a slightly wrong lens model does to lengths


@dataclass(frozen=True)
class PatternFit:
    """A pattern of known size, found in the scene."""

    points: Array  # (K, 3) in the scene, nan where not found
    factor: float  # metres of the pattern per metre of the scene
    relative_sigma: float
    shape_error: float  # root mean square distance from the pattern after the best similarity, over its extent
    views: int  # that show at least one of its points
    residual_px: float  # root mean square reprojection error


def fit_pattern(
    sightings: Array,  # (V, K, 2) [pixels], nan where a view does not show a point
    cameras: Sequence[Camera],  # V
    model: Array,  # (K, 3) [m] the pattern in its own frame
) -> PatternFit | None:
    """Triangulate the points of a pattern and compare it with its model; None if fewer than three can be placed.

    The scale is that of the best similarity (Umeyama 1991).  Its sigma is the jackknife's over views (Efron and Stein
    1981), together with 0.1 pixels by which every edge of a print may have moved outwards, or
    inwards, in all photos alike.
    """
    placed = [triangulate(sightings[:, k], cameras) for k in range(len(model))]
    found = [k for k, point in enumerate(placed) if point is not None]
    if len(found) < 3:
        return None
    points = np.full((len(model), 3), np.nan)
    used = np.zeros(sightings.shape[:2], dtype=bool)
    for k in found:
        points[k], used[:, k] = placed[k] or (points[k], used[:, k])
    scale, rotation, shift = similarity_between(points[found], model[found])
    misfit = scale * points[found] @ rotation.T + shift - model[found]
    extent = float(np.linalg.norm(np.ptp(model, axis=0)))
    errors, lengths = [], []
    for v, camera in enumerate(cameras):
        pixels, _ = camera.project(points[found])
        errors.append(np.linalg.norm(pixels - sightings[v, found], axis=1)[used[v, found]])
        if used[v, found].sum() >= 2:
            lengths.append(np.linalg.norm(np.ptp(pixels, axis=0)))
    showing = used.any(1)
    apart = _jackknife(sightings, used, cameras, model, found)
    bias = 2 * EDGE_BIAS_PX / max(float(np.median(lengths)), 1e-9) if lengths else 1.0
    return PatternFit(
        points,
        scale,
        float(np.sqrt(apart**2 + bias**2 + LENS_SIGMA**2)),
        float(np.sqrt((misfit**2).sum(1).mean())) / extent,
        int(showing.sum()),
        float(np.sqrt((np.concatenate(errors) ** 2).mean())),
    )


def _jackknife(
    sightings: Array, used: NDArray[np.bool_], cameras: Sequence[Camera], model: Array, found: list[int]
) -> float:
    """One standard deviation of the logarithm of the scale, from leaving out one view at a time."""
    factors = []
    for left_out in np.flatnonzero(used.any(1)):
        kept = used.copy()
        kept[left_out] = False
        both = [k for k in found if kept[:, k].sum() >= MIN_VIEWS]
        if len(both) < 3:
            continue
        points = np.array([_solve(sightings[kept[:, k], k], _chosen(cameras, kept[:, k])) for k in both])
        factors.append(np.log(similarity_between(points, model[both])[0]))
    if len(factors) < 2:
        return 0.02  # two views: nothing to compare with
    count = len(factors)
    return float(np.sqrt((count - 1) / count * ((np.array(factors) - np.mean(factors)) ** 2).sum()))


def triangulate(
    pixels: Array,  # (V, 2), nan where a view does not show the point
    cameras: Sequence[Camera],
) -> tuple[Array, NDArray[np.bool_]] | None:  # (3,), (V,) the views that agree
    """A point from at least two views; views farther than 2 pixels off do not count (RANSAC over pairs of views)."""
    seen = np.flatnonzero(np.isfinite(pixels).all(1))
    if len(seen) < MIN_VIEWS:
        return None
    rays = np.array([_ray(pixels[v], cameras[v]) for v in seen.tolist()])
    first, second = np.triu_indices(len(seen), 1)
    cosine = (rays[first] * rays[second]).sum(1)
    wide = cosine < np.cos(np.radians(MIN_ANGLE_DEG))
    pairs = np.stack([first[wide], second[wide]], 1)
    if len(pairs) > PAIRS:
        pairs = pairs[np.linspace(0, len(pairs) - 1, PAIRS).round().astype(int)]
    best: NDArray[np.bool_] | None = None
    best_score = np.inf
    for pair in pairs:
        views = seen[pair]
        point = _linear(pixels[views], _chosen(cameras, views))
        errors = _errors(point, pixels[seen], _chosen(cameras, seen))
        score = float(np.minimum(errors, INLIER_PX).sum())
        if score < best_score:
            best, best_score = errors < INLIER_PX, score
    if best is None or best.sum() < MIN_VIEWS:
        return None
    point = _solve(pixels[seen[best]], _chosen(cameras, seen[best]))
    agreeing = np.zeros(len(pixels), dtype=bool)
    agreeing[seen[_errors(point, pixels[seen], _chosen(cameras, seen)) < INLIER_PX]] = True
    if agreeing.sum() < MIN_VIEWS:
        return None
    return _solve(pixels[agreeing], _chosen(cameras, agreeing)), agreeing


def _chosen(cameras: Sequence[Camera], which: NDArray[np.integer] | NDArray[np.bool_]) -> list[Camera]:
    indices: list[int] = np.arange(len(cameras), dtype=np.int64)[which].tolist()
    return [cameras[i] for i in indices]


def _ray(pixel: Array, camera: Camera) -> Array:  # (3,) unit, in the scene
    k = camera.intrinsics
    ray = camera.world_from_camera[:3, :3] @ [(pixel[0] - k.cx) / k.fx, (pixel[1] - k.cy) / k.fy, 1.0]
    return ray / np.linalg.norm(ray)


def _linear(pixels: Array, cameras: Sequence[Camera]) -> Array:  # (3,)
    """The point nearest to all rays."""
    rays = np.array([_ray(pixel, camera) for pixel, camera in zip(pixels, cameras, strict=True)])
    projectors = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    centres = np.array([camera.position for camera in cameras])
    return np.linalg.lstsq(projectors.sum(0), np.einsum("vij,vj->i", projectors, centres), rcond=None)[0]


def _solve(pixels: Array, cameras: Sequence[Camera]) -> Array:  # (3,)
    """The point with the smallest squared reprojection error (Gauss–Newton)."""
    point = _linear(pixels, cameras)
    rotations = np.array([camera.world_from_camera[:3, :3].T for camera in cameras])
    centres = np.array([camera.position for camera in cameras])
    focal = np.array([[camera.intrinsics.fx, camera.intrinsics.fy] for camera in cameras])
    middle = np.array([[camera.intrinsics.cx, camera.intrinsics.cy] for camera in cameras])
    for _ in range(STEPS):
        local = np.einsum("vij,vj->vi", rotations, point - centres)
        z = local[:, 2:]
        if (z <= 0).any():
            break
        residual = (local[:, :2] / z * focal + middle - pixels).ravel()
        slope = (rotations[:, :2] - (local[:, :2] / z)[:, :, None] * rotations[:, 2:]) * (focal / z)[:, :, None]
        point = point - np.linalg.lstsq(slope.reshape(-1, 3), residual, rcond=None)[0]
    return point


def _errors(point: Array, pixels: Array, cameras: Sequence[Camera]) -> Array:  # (V,) [pixels], inf behind a camera
    errors = np.full(len(pixels), np.inf)
    for v, camera in enumerate(cameras):
        projected, depth = camera.project(point[None])
        if depth[0] > 0:
            errors[v] = np.linalg.norm(projected[0] - pixels[v])
    return errors
