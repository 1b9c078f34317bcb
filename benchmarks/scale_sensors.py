"""What a phone's sensors would have recorded in a rendered capture of scale_captures.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from scan2sim.cameras import Intrinsics

Array = NDArray[np.float64]

DRIFT = 0.01  # of the way, at its end
POSITION_NOISE, ROTATION_NOISE_DEG, SCALE_ERROR = 0.005, 0.3, 0.005
GRAVITY_NOISE_DEG, GRAVITY_BIAS_DEG = 0.5, 0.1  # 2 mg per axis
DEPTH_SIZE, DEPTH_NOISE = (256, 192), 0.01


def tracked_poses(poses: Array, up: Array, rng: np.random.Generator) -> Array:  # (N, 4, 4), (3,) → (N, 4, 4)
    """World_from_camera as tracking gives it: y up, its own origin and heading, scale error, drift and noise."""
    tracked = np.array(poses)
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    way = float(steps.sum())
    spread = DRIFT * way / np.sqrt(3) * np.sqrt(np.append(0, steps) / way)
    drift = np.cumsum(rng.normal(size=(len(poses), 3)) * spread[:, None], axis=0)
    tracked[:, :3, 3] += drift + rng.normal(0, POSITION_NOISE, (len(poses), 3))
    tracked[:, :3, 3] *= 1 + rng.normal(0, SCALE_ERROR)
    turns = Rotation.from_rotvec(np.radians(rng.normal(0, ROTATION_NOISE_DEG, (len(poses), 3)))).as_matrix()
    tracked[:, :3, :3] = turns @ tracked[:, :3, :3]
    tilt = Rotation.from_rotvec(np.radians(rng.normal(0, GRAVITY_BIAS_DEG, 3))).as_matrix()
    y = tilt @ (up / np.linalg.norm(up))
    x = np.cross(y, rng.normal(size=3))
    x /= np.linalg.norm(x)
    sensor_from_world = np.eye(4)
    sensor_from_world[:3, :3] = np.stack([x, y, np.cross(x, y)])
    sensor_from_world[:3, 3] = rng.normal(size=3)
    return sensor_from_world @ tracked


def best_scale(poses: Array, tracked: Array) -> tuple[float, float]:  # (N, 4, 4) each
    """The error of tracking's scale by generalized least squares with the true noise, and its standard deviation."""
    true, count = poses[:, :3, 3], len(poses)
    turns = Rotation.from_matrix(tracked[:, :3, :3] @ np.swapaxes(poses[:, :3, :3], 1, 2))
    given = tracked[:, :3, 3] @ turns.mean().as_matrix()
    way = np.append(0, np.cumsum(np.linalg.norm(np.diff(true, axis=0), axis=1)))
    drift = (DRIFT * way[-1]) ** 2 / 3 * np.minimum(way[:, None], way[None]) / way[-1]
    white = np.linalg.inv(np.linalg.cholesky(POSITION_NOISE**2 * np.eye(count) + drift))
    scale = (white @ true).T.reshape(-1, 1)
    shifts = np.kron(np.eye(3), (white @ np.ones(count))[:, None])
    design = np.concatenate([scale, shifts], 1)
    normal = design.T @ design
    found = np.linalg.solve(normal, design.T @ (white @ given).T.ravel())[0]
    return float(found - 1), float(np.hypot(np.sqrt(np.linalg.inv(normal)[0, 0]), SCALE_ERROR))


def gravity_in_cameras(poses: Array, up: Array, rng: np.random.Generator) -> Array:  # (N, 3) unit, downwards
    """What the accelerometer says at each photo."""
    bias = Rotation.from_rotvec(np.radians(rng.normal(0, GRAVITY_BIAS_DEG, 3))).as_matrix()
    noise = Rotation.from_rotvec(np.radians(rng.normal(0, GRAVITY_NOISE_DEG, (len(poses), 3)))).as_matrix()
    down = np.einsum("nji,j->ni", poses[:, :3, :3], -np.asarray(up) / np.linalg.norm(up))
    return np.einsum("nij,nj->ni", noise, down @ bias.T)


def depth_and_confidence(
    k: Intrinsics, pose: Array, truth: dict[str, Any], bias: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A depth image [m] with noise and bleeding edges, and its confidence: low at edges and far away."""
    small = k.resized(*DEPTH_SIZE)
    x, y = np.meshgrid(
        (np.arange(small.width) + 0.5 - small.cx) / small.fx, (np.arange(small.height) + 0.5 - small.cy) / small.fy
    )
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ pose[:3, :3].T
    true = _cast(pose[:3, 3], rays, truth).reshape(x.shape)
    smooth = ndimage.gaussian_filter(true, 1.0)  # edges bleed
    edge = ndimage.maximum_filter(true, 5) - ndimage.minimum_filter(true, 5) > 0.05 * true
    measured = smooth * (1 + bias + rng.normal(0, DEPTH_NOISE, x.shape))
    confidence = np.where(edge, rng.integers(0, 2, x.shape), np.where(true > 1.5, 1, 2)).astype(np.uint8)
    return measured.astype(np.float32), confidence


def _cast(eye: Array, rays: Array, truth: dict[str, Any]) -> Array:  # (N,) multiples of the rays
    """Where rays (N, 3) first meet the table, the room, and the things on the table."""
    level = _level(np.array(truth["up"]))
    nearest = np.full(len(rays), 20.0)
    for point, normal in (
        ((0, 0, -0.75), (0, 0, 1)),
        ((0, 2.5, 0), (0, 1, 0)),
        ((-2.5, 0, 0), (1, 0, 0)),
        ((2.5, 0, 0), (1, 0, 0)),
        ((0, -2.5, 0), (0, 1, 0)),
    ):
        n = level @ np.array(normal, dtype=float)
        t = (level @ np.array(point, dtype=float) - eye) @ n / _safe(rays @ n)
        nearest = np.where((t > 0) & (t < nearest), t, nearest)
    nearest = np.minimum(nearest, _box(eye, rays, np.array([0.0, 0.0, -0.02]), np.array([1.2, 0.9, 0.04]), 0.0))
    for thing in truth["things"]:
        size = np.array(thing["size"])
        centre = np.array([*thing["xy"], size[2] / 2])
        if thing["shape"] == "box":
            hit = _box(eye, rays, centre, size, thing["yaw"])
        else:
            hit = _round(eye - centre, rays, size, ball=thing["shape"] == "ball")
        nearest = np.minimum(nearest, hit)
    return nearest


def _level(up: Array) -> Array:  # (3, 3) world from room
    axis = np.cross([0, 0, 1], up / np.linalg.norm(up))
    return Rotation.from_rotvec(
        axis / max(np.linalg.norm(axis), 1e-12) * np.arcsin(min(np.linalg.norm(axis), 1))
    ).as_matrix()


def _box(eye: Array, rays: Array, centre: Array, size: Array, yaw: float) -> Array:
    turn = Rotation.from_euler("z", yaw).as_matrix()
    start, way = (eye - centre) @ turn, _safe(rays @ turn)
    one, two = (-size / 2 - start) / way, (size / 2 - start) / way
    near, far = np.minimum(one, two).max(1), np.maximum(one, two).min(1)
    return np.where((near <= far) & (near > 0), near, np.inf)


def _round(start: Array, rays: Array, size: Array, ball: bool) -> Array:
    """A ball, or a standing can with its lid."""
    use = np.array([1, 1, 1 if ball else 0]) / (size / 2)
    a, b = ((rays * use) ** 2).sum(1), (rays * use * (start * use)).sum(1)
    c = ((start * use) ** 2).sum() - 1
    root = b * b - a * c
    hit = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / np.maximum(a, 1e-12), np.inf)
    if ball:
        return np.where(hit > 0, hit, np.inf)
    side = np.where((hit > 0) & (np.abs(start[2] + hit * rays[:, 2]) <= size[2] / 2), hit, np.inf)
    lid = (size[2] / 2 - start[2]) / _safe(rays[:, 2])
    at = start[:2] + lid[:, None] * rays[:, :2]
    return np.minimum(side, np.where((lid > 0) & (np.linalg.norm(at, axis=1) <= size[0] / 2), lid, np.inf))


def _safe(values: Array) -> Array:
    return np.where(np.abs(values) < 1e-9, 1e-9, values)
