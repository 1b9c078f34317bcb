"""The scene frame: z up from the main support plane, origin under the subject, a guessed scale.

Structure from motion knows neither gravity nor metres.  Cameras around a tabletop scene know what matters though:
their optical axes meet near the subject, it stands on a plane, and beneath that plane nothing is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan2sim.poses.posed import Gravity

__all__ = ["SceneFrame", "find_scene_frame"]

Array = NDArray[np.float64]

HYPOTHESES = 3000
SEARCHED = 10_000  # points at most
INLIER = 0.01  # of the viewing distance: thickness of a support plane in the search
NEIGHBOURHOOD = 0.5  # of the viewing distance: how far from the subject its support is looked for
MIN_POINTS = 20
LEVEL_SIGMA_DEG = 2.0  # tables and floors themselves deviate from level by about so much
NO_SUPPORT_SIGMA_DEG = 15.0  # of the guess from how people hold cameras


@dataclass(frozen=True)
class SceneFrame:
    """The similarity that takes the reconstruction to the scene frame."""

    scale: float  # metres per unit of the reconstruction
    rotation: Array  # (3, 3) scene_from_reconstruction
    translation: Array  # (3,) [m]
    gravity: Gravity

    def points(self, points: Array) -> Array:  # (N, 3) → (N, 3) [m]
        """Points of the reconstruction in the scene frame."""
        return self.scale * points @ self.rotation.T + self.translation

    def pose(self, world_from_camera: Array) -> Array:  # (4, 4) → (4, 4)
        """A camera of the reconstruction in the scene frame."""
        scene_from_camera = np.eye(4)
        scene_from_camera[:3, :3] = self.rotation @ world_from_camera[:3, :3]
        scene_from_camera[:3, 3] = self.points(world_from_camera[None, :3, 3])[0]
        return scene_from_camera


def find_scene_frame(
    points: Array,  # (P, 3)
    observers: NDArray[np.int64],  # (P,) cameras that see each point
    poses: Sequence[Array],  # (4, 4) each, world_from_camera
    subject_distance: float,  # [m] guessed median distance from camera to subject
    seed: int = 0,
) -> SceneFrame:
    """Find the support under the subject and build the scene frame on it.

    1. The look-at point is nearest to all optical axes; the viewing distance D is the cameras' median distance to it.
    2. Planes through random triples of points near it (RANSAC, Fischler and Bolles 1981) are scored by the weight of
       their inliers less the weight of points below them, times their agreement with the cameras' common "up".
       Weights fall off with the distance from the look-at point and grow with the number of observers: a larger floor
       or wall farther away loses, and so does the flat top of an object, which has its support below it.
    3. The plane is fitted anew to its inliers with shrinking thresholds.
    4. z is its normal, the origin lies in it below the median of the points that stand on it, x points to the first
       camera's right, and the scale puts the cameras at ``subject_distance`` from the subject.

    Gravity's sigma holds 2° for supports that are not level and the error of the fit.  Without a plane, z is the
    cameras' common "up" and gravity's source is ``guess``.
    """
    target, distance = _look_at_point(points, poses)
    up = _common_up(poses)
    offsets = np.linalg.norm(points - target, axis=1) / distance
    weights = np.minimum(observers, 10) * np.exp(-((offsets / NEIGHBOURHOOD) ** 2))
    plane = None
    for radius in (1.0, 2.0, 4.0):
        near = offsets < radius * 2 * NEIGHBOURHOOD
        if near.sum() >= MIN_POINTS:
            plane = _search(points[near], weights[near], poses, up, distance * INLIER * radius, seed)
        if plane is not None:
            break
    if plane is None:
        normal, level, gravity = up, float(target @ up), Gravity("guess", NO_SUPPORT_SIGMA_DEG)
    else:
        normal, level, sigma = _refine(points, weights, plane, distance)
        gravity = Gravity("support", float(np.hypot(LEVEL_SIGMA_DEG, sigma)))
    subject = _subject(points, offsets, normal, level, target, distance)
    return _frame(subject, normal, level, poses, subject_distance, gravity)


def _look_at_point(points: Array, poses: Sequence[Array]) -> tuple[Array, float]:
    """The point nearest to all optical axes, and the cameras' median distance to it.

    Where the axes do not meet in front of the cameras (a scan along a wall), the median of the points takes its place.
    """
    centres = np.array([pose[:3, 3] for pose in poses])
    axes = np.array([pose[:3, 2] for pose in poses])
    projectors = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    weights = np.ones(len(poses))
    target = np.median(points, 0) if len(points) else centres.mean(0) + axes.mean(0)
    for _ in range(5):  # iteratively reweighted: a few frames that look elsewhere do not count
        normal_matrix = np.einsum("c,cij->ij", weights, projectors)
        if np.linalg.eigvalsh(normal_matrix)[0] < 0.01 * weights.sum():
            break
        target = np.linalg.solve(normal_matrix, np.einsum("c,cij,cj->i", weights, projectors, centres))
        misses = np.linalg.norm(np.einsum("cij,cj->ci", projectors, target - centres), axis=1)
        weights = 1 / (misses + np.median(misses) + 1e-12)
    if len(points) and np.median(np.einsum("ci,ci->c", target - centres, axes)) <= 0:
        target = np.median(points, 0)
    return target, float(max(np.median(np.linalg.norm(centres - target, axis=1)), 1e-9))


def _common_up(poses: Sequence[Array]) -> Array:  # (3,)
    """People hold cameras upright and look down on things: image up and backwards, averaged, point up."""
    up = np.mean([-pose[:3, 1] - pose[:3, 2] for pose in poses], axis=0)
    norm = np.linalg.norm(up)
    return up / norm if norm > 1e-6 else -poses[0][:3, 1]


def _search(
    points: Array,  # (N, 3)
    weights: Array,  # (N,)
    poses: Sequence[Array],
    up: Array,  # (3,)
    thickness: float,
    seed: int,
) -> tuple[Array, float] | None:
    """The best plane as (unit normal towards the cameras, offset along it), or None."""
    rng = np.random.default_rng(seed)
    if len(points) > SEARCHED:
        some = rng.choice(len(points), SEARCHED, replace=False)
        points, weights = points[some], weights[some]
    centres = np.array([pose[:3, 3] for pose in poses])
    triples = points[rng.choice(len(points), (HYPOTHESES, 3), p=weights / weights.sum())]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    spread = lengths > (5 * thickness) ** 2  # thin triangles carry no direction
    normals, anchors = normals[spread] / lengths[spread, None], triples[spread, 0]
    best, best_score = None, 0.0
    for normal, anchor in zip(normals, anchors, strict=True):
        above = (centres - anchor) @ normal
        if np.median(above) < 0:
            normal, above = -normal, -above
        agreement = float(normal @ up)
        if agreement < 0.3 or np.mean(above > 0) < 0.9:
            continue
        heights = (points - anchor) @ normal
        score = agreement * (weights[np.abs(heights) < thickness].sum() - weights[heights < -2 * thickness].sum())
        if score > best_score:
            best, best_score = (normal, float(anchor @ normal)), score
    if best is None or np.sum(np.abs(points @ best[0] - best[1]) < thickness) < MIN_POINTS:
        return None
    return best


def _refine(
    points: Array, weights: Array, plane: tuple[Array, float], distance: float
) -> tuple[Array, float, float]:  # normal, offset, sigma of the normal [degrees]
    """Weighted least squares on ever closer inliers; what stands on the plane lies above it and falls out."""
    normal, level = plane
    spread = sigma = count = 1.0
    for thickness in (1.0, 0.6, 0.4, 0.3, 0.3):
        heights = points @ normal - level
        inside = (np.abs(heights) < thickness * INLIER * distance) & (weights > 1e-3 * weights.max())
        if inside.sum() < MIN_POINTS:
            break
        w = weights[inside] / weights[inside].sum()
        centre = w @ points[inside]
        centred = points[inside] - centre
        values, vectors = np.linalg.eigh(centred.T @ (centred * w[:, None]))
        normal = vectors[:, 0] * np.sign(vectors[:, 0] @ normal)
        level = float(centre @ normal)
        spread, sigma, count = values[1], values[0], 1 / (w**2).sum()
    return normal, level, float(np.degrees(np.sqrt(sigma / (spread * count))))


def _subject(
    points: Array, offsets: Array, normal: Array, level: float, target: Array, distance: float
) -> Array:  # (3,)
    """The median of the points that stand on the support near the look-at point; else the look-at point."""
    heights = (points @ normal - level) / distance
    standing = (heights > 2 * INLIER) & (heights < 2 * NEIGHBOURHOOD) & (offsets < NEIGHBOURHOOD)
    return np.median(points[standing], 0) if standing.sum() >= MIN_POINTS else target


def _frame(
    subject: Array, normal: Array, level: float, poses: Sequence[Array], subject_distance: float, gravity: Gravity
) -> SceneFrame:
    right = poses[0][:3, 0]
    x = right - (right @ normal) * normal
    if np.linalg.norm(x) < 1e-3:  # the first camera looks along its own right: take its up instead
        x = poses[0][:3, 1] - (poses[0][:3, 1] @ normal) * normal
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(normal, x), normal])
    distances = np.linalg.norm(np.array([pose[:3, 3] for pose in poses]) - subject, axis=1)
    scale = subject_distance / max(float(np.median(distances)), 1e-12)
    origin = subject - (subject @ normal - level) * normal
    return SceneFrame(scale, rotation, -scale * rotation @ origin, gravity)
