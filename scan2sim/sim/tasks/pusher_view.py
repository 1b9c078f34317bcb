"""Push as its pusher sees it: ahead is where the target is, so that pushing is the same from every side.

What to do next to a round thing depends on where its goal is as seen from the pusher and on little else.  A policy that
is told so, and that is asked for its velocity ahead and to the left, need not learn every direction of the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["action_of_pusher", "seen_by_pusher"]

Array = NDArray[np.float64]


def seen_by_pusher(observation: NDArray[np.floating]) -> Array:  # (..., 23 or 28) → (..., 24 or 27)
    """An observation of Push with directions turned so that x is from the pusher to the target, y to its left.

    How far the target is (1), velocity of the pusher (2) and of the target (2), its spin (1), the first two columns of
    its rotation (6), the goal from the target (2), its direction (2) and distance (1), height of the target (1).  With
    a heading also cosine and sine of the turn left (2) and its size (1).  Last, in scene axes, for what else stands
    around: the pusher (2), the target (2) and the direction ahead (2).
    """
    seen = np.asarray(observation, dtype=np.float64)
    ahead = _ahead(seen)
    goal, distance = seen[..., 18:20], seen[..., 22:23]
    columns = [part for at in (7, 10) for part in (_turned(seen[..., at : at + 2], ahead), seen[..., at + 2 : at + 3])]
    parts = [
        np.linalg.norm(seen[..., 16:18], axis=-1, keepdims=True),
        _turned(seen[..., 2:4], ahead),
        _turned(seen[..., 13:15], ahead),
        seen[..., 15:16],
        *columns,
        _turned(goal, ahead),
        _turned(goal / np.maximum(distance, 1e-9), ahead),
        distance,
        seen[..., 6:7],
        seen[..., 25:],
        seen[..., 0:2],
        seen[..., 4:6],
        ahead,
    ]
    return np.concatenate(parts, axis=-1)


def action_of_pusher(
    observation: NDArray[np.floating],  # (..., 23 or 28)
    action: NDArray[np.floating],  # (..., 2) ahead and to the left
) -> Array:  # (..., 2) in [-1, 1]
    """The action of Push for a velocity ahead and to the left, which is shortened to at most full speed."""
    asked = np.asarray(action, dtype=np.float64)
    asked = asked / np.maximum(np.linalg.norm(asked, axis=-1, keepdims=True), 1.0)
    ahead = _ahead(np.asarray(observation, dtype=np.float64))
    left = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
    return asked[..., :1] * ahead + asked[..., 1:] * left


def _ahead(seen: Array) -> Array:  # (..., 2) unit
    away = seen[..., 16:18]  # the pusher from the target
    return -away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)


def _turned(vector: Array, ahead: Array) -> Array:  # (..., 2), (..., 2) → (..., 2)
    """Parts of a vector ahead and to the left."""
    left = ahead[..., :1] * vector[..., 1:] - ahead[..., 1:] * vector[..., :1]
    return np.concatenate([(vector * ahead).sum(-1, keepdims=True), left], axis=-1)
