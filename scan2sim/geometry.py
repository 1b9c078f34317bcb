"""Rigid transforms and quaternions as pure functions on numpy arrays.

Conventions: metres, right-handed; quaternions are scalar-first (w, x, y, z); a matrix ``a_from_b`` maps
coordinates in frame b to frame a, so names cancel: ``a_from_c = a_from_b @ b_from_c``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "inverse_transform",
    "look_at",
    "matrix_from_quaternion",
    "quaternion_angle",
    "quaternion_from_matrix",
    "quaternion_conjugate",
    "quaternion_multiply",
    "rotation_between",
    "rotation_vector",
    "similarity_between",
    "transform",
    "transform_points",
]

Array = NDArray[np.float64]


def transform(
    position: ArrayLike,  # (3,) [m]
    wxyz: ArrayLike = (1.0, 0.0, 0.0, 0.0),  # (4,)
) -> Array:  # (4, 4)
    """Rigid transform ``a_from_b`` of a frame b that stands at ``position`` with rotation ``wxyz`` in a."""
    a_from_b = np.eye(4)
    a_from_b[:3, :3] = matrix_from_quaternion(wxyz)
    a_from_b[:3, 3] = np.asarray(position, dtype=np.float64)
    return a_from_b


def transform_points(
    a_from_b: ArrayLike,  # (4, 4)
    points: ArrayLike,  # (N, 3) in b
) -> Array:  # (N, 3) in a
    """Apply a rigid (or similarity) transform to points."""
    matrix = np.asarray(a_from_b, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def inverse_transform(a_from_b: ArrayLike) -> Array:
    """Inverse of a rigid transform (rotation transposed, not a general inverse)."""
    matrix = np.asarray(a_from_b, dtype=np.float64)
    rotation = matrix[..., :3, :3]
    b_from_a = np.zeros_like(matrix)
    b_from_a[..., :3, :3] = np.swapaxes(rotation, -1, -2)
    b_from_a[..., :3, 3] = -np.einsum("...ji,...j->...i", rotation, matrix[..., :3, 3])
    b_from_a[..., 3, 3] = 1.0
    return b_from_a


def matrix_from_quaternion(wxyz: ArrayLike) -> Array:
    """Rotation matrices of quaternions, shape (..., 4) to (..., 3, 3); quaternions need not be unit."""
    q = np.asarray(wxyz, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


def quaternion_from_matrix(rotation: ArrayLike) -> Array:
    """Unit quaternions (w ≥ 0) of rotation matrices, shape (..., 3, 3) to (..., 4).

    The largest of the four squared components is taken as the pivot, which is stable for every rotation
    (Shepperd 1978, "Quaternion from rotation matrix").
    """
    m = np.asarray(rotation, dtype=np.float64)
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    squares = np.stack(
        [trace, *(2 * m[..., i, i] - trace for i in range(3))], -1
    )  # 4 q_i² - 1, up to a shared constant
    # row k holds 4 q_k * (w, x, y, z)
    d = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]]
    s = [m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]]
    rows = np.stack(
        [
            np.stack([1 + squares[..., 0], d[0], d[1], d[2]], -1),
            np.stack([d[0], 1 + squares[..., 1], s[0], s[1]], -1),
            np.stack([d[1], s[0], 1 + squares[..., 2], s[2]], -1),
            np.stack([d[2], s[1], s[2], 1 + squares[..., 3]], -1),
        ],
        -2,
    )
    pivot = np.argmax(squares, axis=-1)
    q = np.take_along_axis(rows, pivot[..., None, None], axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def quaternion_multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Hamilton product a ⊗ b, wxyz, broadcasting over leading axes."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=np.float64), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=np.float64), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def quaternion_angle(a: ArrayLike, b: ArrayLike) -> Array:
    """Angle [rad] of the rotation between unit quaternions, in 0..π."""
    dot = np.abs(np.sum(np.asarray(a, dtype=np.float64) * np.asarray(b, dtype=np.float64), -1))
    return 2 * np.arccos(np.clip(dot, 0.0, 1.0))


def quaternion_conjugate(wxyz: ArrayLike) -> Array:
    """The inverse rotation of unit quaternions, shape (..., 4)."""
    return np.asarray(wxyz, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def rotation_vector(wxyz: ArrayLike) -> Array:
    """Axis times angle [rad], at most π long, of quaternions of any length but 0; shape (..., 4) to (..., 3).

    The angle is ``2 atan2(|v|, |w|)`` of the quaternion (w, v): right for the smallest angles too, where an arc cosine
    is not, and for quaternions that single precision has made a little longer or shorter than 1.
    """
    q = np.asarray(wxyz, dtype=np.float64)
    q = q * np.where(q[..., :1] < 0, -1.0, 1.0)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 2.0)


def rotation_between(
    source: ArrayLike,  # (3,)
    target: ArrayLike,  # (3,)
) -> Array:  # (3, 3)
    """The smallest rotation that turns the direction ``source`` into the direction ``target``."""
    a, b = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    if a @ b < -1 + 1e-12:  # opposite: half a turn about any perpendicular axis
        axis = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        axis = np.asarray(axis / np.linalg.norm(axis), dtype=np.float64)
        return 2 * axis[:, None] * axis[None, :] - np.eye(3)
    v = np.cross(a, b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]], dtype=np.float64)
    share = 1.0 / (1.0 + float(a @ b))
    return np.eye(3) + k + share * (k @ k)


def look_at(
    eye: ArrayLike,  # (3,) [m]
    target: ArrayLike,  # (3,) [m]
    up: ArrayLike = (0.0, 0.0, 1.0),  # (3,)
) -> Array:  # (4, 4)
    """``world_from_camera`` of an OpenCV camera (x right, y down, z forward) at ``eye`` seeing ``target``."""
    eye_ = np.asarray(eye, dtype=np.float64)
    forward = np.asarray(target, dtype=np.float64) - eye_
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    if np.linalg.norm(right) < 1e-9:  # looking along up
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right /= np.linalg.norm(right)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    world_from_camera[:3, 3] = eye_
    return world_from_camera


def similarity_between(
    source: ArrayLike,  # (N, 3)
    target: ArrayLike,  # (N, 3)
) -> tuple[float, Array, Array]:
    """Least-squares scale s, rotation R (3, 3), translation t (3,) with ``target ≈ s R source + t``.

    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    a = np.asarray(source, dtype=np.float64)
    b = np.asarray(target, dtype=np.float64)
    a_mean, b_mean = a.mean(0), b.mean(0)
    u, singular, vt = np.linalg.svd((b - b_mean).T @ (a - a_mean) / len(a))
    sign = np.ones(3)
    sign[2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = u @ np.diag(sign) @ vt
    scale = float(singular @ sign / ((a - a_mean) ** 2).sum(1).mean())
    return scale, rotation, b_mean - scale * rotation @ a_mean
