"""Two things compared as they stand: whatever their own frames are, and however they are turned about the vertical."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.spatial import KDTree

from scan2sim.cousins.assets.form import least_box
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import SceneObject

__all__ = ["mean_gap", "standing_extents", "standing_gap"]

Array = NDArray[np.float64]

POINTS = 400  # of each surface that are compared
YAWS = 24  # tried, before the best is refined
PRECISION = np.radians(0.5)  # of the best yaw


def mean_gap(mine: Array, other: Array) -> float:  # (N, 3), (M, 3) [m] vertices in one frame
    """Symmetric mean distance of two surfaces, chamfer [m]."""
    return (_away(_some(mine), _tree(other)) + _away(_some(other), _tree(mine))) / 2


def standing_gap(a: SceneObject, b: SceneObject) -> float:
    """:func:`mean_gap` of two things that stand with their centres of mass in one place, least over turns about z [m].

    The turn is looked for in steps of 15°, then round the best of them (golden section).
    """
    mine, other = _upright(a), _upright(b)
    of_mine, of_other, some_mine, some_other = _tree(mine), _tree(other), _some(mine), _some(other)

    def gap(yaw: float) -> float:
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        return (_away(some_mine @ turn.T, of_other) + _away(some_other @ turn, of_mine)) / 2

    step = 2 * np.pi / YAWS
    first = min((k * step for k in range(YAWS)), key=gap)
    best = minimize_scalar(gap, bounds=(first - step, first + step), method="bounded", options={"xatol": PRECISION})
    return float(min(best.fun, gap(first)))


def standing_extents(obj: SceneObject) -> Array:  # (3,) [m] longer and shorter horizontal side, height
    """The sides of the smallest upright box round a thing as it stands."""
    points = _upright(obj)
    return np.append(least_box(points[:, :2])[0], np.ptp(points[:, 2]))


def _upright(obj: SceneObject) -> Array:  # (V, 3) [m] from the centre of mass, axes of the scene
    return (np.asarray(obj.visual.vertices) - obj.physical.center_of_mass) @ matrix_from_quaternion(obj.wxyz).T


def _tree(points: Array) -> KDTree:
    return KDTree(points, balanced_tree=False, compact_nodes=False)  # quicker to build, and asked a few times only


def _away(points: Array, from_: KDTree) -> float:
    return float(from_.query(points)[0].mean())


def _some(points: Array) -> Array:
    return points[:: max(1, len(points) // POINTS)]
