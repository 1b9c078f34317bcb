"""What a thing can be used for, measured from its shape: containing, rolling, carrying another, being grasped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import label, minimum_filter
from scipy.spatial import ConvexHull

from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import SceneObject

__all__ = ["AFFORDANCES", "Affordances", "affordances", "measure_affordances"]

Array = NDArray[np.float64]

AFFORDANCES = ("can_contain", "can_roll", "can_stack", "graspable")

CELLS = 36  # of the grid along the longest side in which cavities are looked for
TIGHT = 0.4  # walls are thickened by this share of a cell on each side, so that thin ones hold
CAVITY = 0.08  # of the convex hull, what holds less contains nothing
LEAST_CAVITY = 1e-6  # [m³]
ROUND = 0.05  # largest variation of the half-width round an axis, over its mean
SPIN = 16  # directions round an axis
TILTS = np.radians([-40, 0, 40])  # of those directions against the plane across the axis
AXES, REFINED = 40, (0.25, 0.1, 0.03, 0.01)  # directions in which axes are looked for, and [rad] round the best of them
SIDE, NEAR = 55, 10  # [°] of tilts against the plane across an axis that count as the side, and as near by
TOP = 0.03  # of the height, what lies no lower than this under the top belongs to it
LEVEL = np.cos(np.radians(12))
TOP_SHARE, LEAST_TOP = 0.3, 3e-4  # of the outline from above, and [m²]: what is smaller carries nothing
OPENING = 0.08  # [m] between the fingers
FINGER = 0.01  # [m] half of a finger's width
DEEP = 0.01  # [m] how far below the centre of mass fingers reach
YAWS = 12
FACING = np.cos(np.radians(32))  # between a finger's direction and the mean normal that it touches
SAMPLES = 6000


@dataclass(frozen=True)
class Affordances:
    """What a thing can be used for as it stands, and the measures that tell."""

    can_contain: bool  # it has a cavity that is open upwards
    can_roll: bool  # it is round about an axis and rests on its round side
    can_stack: bool  # it has a flat upper side that carries something
    graspable: bool  # a gripper that opens 8 cm takes it from above, through its centre of mass
    cavity: float = 0.0  # [m³] that stays in it when it is filled
    top: float = 0.0  # [m²] of its flat upper side
    grip: float = np.inf  # [m] the narrowest such grip, also beyond 8 cm

    def differing(self, other: Affordances) -> tuple[str, ...]:
        """Which of the four are not the same."""
        return tuple(name for name in AFFORDANCES if getattr(self, name) != getattr(other, name))

    def scaled(self, factor: float) -> Affordances:
        """What the thing affords ``factor`` times as large; that it was too small to contain or carry stays so."""
        cavity, top, grip = self.cavity * factor**3, self.top * factor**2, self.grip * factor
        return Affordances(
            can_contain=self.can_contain and cavity >= LEAST_CAVITY,
            can_roll=self.can_roll,
            can_stack=self.can_stack and top >= LEAST_TOP,
            graspable=grip <= OPENING,
            cavity=cavity,
            top=top,
            grip=grip,
        )


def affordances(obj: SceneObject) -> Affordances:
    """What an object can be used for as it stands in its scene; see :func:`measure_affordances`."""
    turn = np.eye(4)
    turn[:3, :3] = matrix_from_quaternion(obj.wxyz)
    mesh, *pieces = (part.copy().apply_transform(turn) for part in (obj.visual, *obj.collision))
    return measure_affordances(mesh, pieces)


def measure_affordances(
    mesh: trimesh.Trimesh,  # closed [m], z up
    pieces: Sequence[trimesh.Trimesh],  # convex
) -> Affordances:
    """Measure a solid as it stands.

    - *contain*: a grid is filled from above; what cannot flow off sideways or down without rising stays.  It has to be
      8 % of the convex hull.
    - *roll*: there is an axis through the centre of mass about which the convex hull's distance to a tangent plane is
      the same all round to 5 %, and the solid is at rest on that side.
    - *stack*: what faces up within 3 % of the height from the top covers 30 % of what is seen from above, and 3 cm².
    - *grasp*: fingers 2 cm wide come down left and right of the centre of mass, touch surfaces that face them (32°) and
      need not open wider than 8 cm anywhere on their way.
    """
    hull = mesh.convex_hull
    cavity = _cavity(pieces) if sum(piece.volume for piece in pieces) < (1 - CAVITY) * hull.volume else 0.0
    sampled = trimesh.sample.sample_surface(mesh, SAMPLES, seed=0)
    top = _top(mesh)
    outline = float(ConvexHull(hull.vertices[:, :2]).volume)
    grip = _grip(np.asarray(sampled[0]), mesh.face_normals[sampled[1]], np.asarray(mesh.center_mass))
    return Affordances(
        can_contain=bool(cavity >= max(CAVITY * hull.volume, LEAST_CAVITY)),
        can_roll=_rolls(hull, np.asarray(mesh.center_mass)),
        can_stack=bool(top >= max(TOP_SHARE * outline, LEAST_TOP)),
        graspable=bool(grip <= OPENING),
        cavity=cavity,
        top=top,
        grip=grip,
    )


def _cavity(pieces: Sequence[trimesh.Trimesh]) -> float:
    """Volume of what stays where it is when the space round the pieces is filled from above [m³]."""
    low = np.min([piece.bounds[0] for piece in pieces], axis=0)
    high = np.max([piece.bounds[1] for piece in pieces], axis=0)
    cell = float((high - low).max()) / CELLS
    counts = np.ceil((high - low) / cell).astype(int) + 2  # free cells all round
    axes = [low[k] + (np.arange(counts[k]) - 0.5) * cell for k in range(3)]
    free = np.ones(counts, dtype=bool)
    for piece in pieces:
        spans = [np.searchsorted(axes[k], piece.bounds[:, k] + [-cell, cell]) for k in range(3)]
        box = tuple(slice(*span) for span in spans)
        grid = np.stack(np.meshgrid(*(axis[span] for axis, span in zip(axes, box, strict=True)), indexing="ij"), -1)
        normals = piece.face_normals
        offsets = (normals * piece.triangles_center).sum(1) + TIGHT * cell
        free[box] &= ~(grid @ normals.T <= offsets).all(-1)
    held = np.zeros_like(free)
    reached = _outside(free, lid=True)
    for level in range(1, counts[2] - 1):
        if free[:, :, level].any():
            held[:, :, level] = free[:, :, level] & ~_outside(free[:, :, : level + 1], lid=False)[:, :, level]
    return float((held & reached).sum()) * cell**3


def _outside(free: NDArray[np.bool_], lid: bool) -> NDArray[np.bool_]:
    """The free cells that are joined to the grid's sides or bottom; with ``lid`` also to its top."""
    parts = np.zeros(free.shape, dtype=np.int32)
    label(free, output=parts)
    rims = [parts[0], parts[-1], parts[:, 0], parts[:, -1], parts[:, :, 0]] + ([parts[:, :, -1]] if lid else [])
    outer = np.unique(np.concatenate([rim.ravel() for rim in rims]))
    return np.isin(parts, outer[outer > 0])


def _top(mesh: trimesh.Trimesh) -> float:
    """Area of what faces up and lies near the top [m²]."""
    low, high = mesh.bounds[:, 2]
    level = (mesh.face_normals[:, 2] > LEVEL) & (mesh.triangles_center[:, 2] > high - TOP * (high - low) - 0.0005)
    return float(mesh.area_faces[level].sum())


def _rolls(hull: trimesh.Trimesh, centre: Array) -> bool:
    corners = hull.vertices - centre
    axes = np.vstack([hull.principal_inertia_vectors, np.eye(3), _half_sphere(AXES)])
    unevenness = _unevenness(corners, axes)
    best = axes[unevenness.argmin()]
    for reach in REFINED:
        around = best + reach * np.vstack([np.zeros(3), _half_sphere(12), -_half_sphere(12)])
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        best = around[_unevenness(corners, around).argmin()]
    candidates = np.vstack([hull.principal_inertia_vectors, np.eye(3), best])
    even = _unevenness(corners, candidates) < ROUND
    return any(_rests_on_side(corners, axis) for axis in candidates[even])


def _unevenness(corners: Array, axes: Array) -> Array:  # (N, 3), (A, 3) → (A,)
    """How much the distance of the tangent plane varies round each axis, at any tilt, over its mean."""
    directions = _round(axes)  # (A, TILTS, SPIN, 3)
    reach = (corners @ directions.reshape(-1, 3).T).max(0).reshape(directions.shape[:-1])
    return (np.ptp(reach, axis=2) / reach.mean(2)).max(1)


def _rests_on_side(corners: Array, axis: Array) -> bool:
    """Whether what is round about an axis through its centre of mass, the origin, has a resting pose on its side.

    It is at rest where the centre is lower over the tangent plane than at all tilts near by; on its side means that the
    plane leans less than 55° against the axis.
    """
    along = corners @ axis
    away = np.linalg.norm(corners - along[:, None] * axis, axis=1)
    tilts = np.radians(np.arange(-SIDE - NEAR, SIDE + NEAR + 1, 2))
    heights = (np.outer(np.sin(tilts), along) + np.outer(np.cos(tilts), away)).max(1)
    lowest = minimum_filter(heights, NEAR + 1, mode="nearest")
    return bool((heights <= lowest * (1 + 1e-6))[NEAR // 2 : -(NEAR // 2)].any())


def _grip(points: Array, normals: Array, centre: Array) -> float:
    """The narrowest way for two fingers round the centre of mass from above [m]; infinite where there is none."""
    high = points[:, 2] > centre[2] - DEEP
    best = np.inf
    for yaw in np.pi * np.arange(YAWS) / YAWS:
        across = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        aside = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        rows = high & (np.abs((points - centre) @ aside) < FINGER)
        if not rows.any():
            continue
        reach = (points[rows] - centre) @ across
        if reach.min() >= 0 or reach.max() <= 0:
            continue
        width, facing = float(np.ptp(reach)), normals[rows] @ across
        near = max(0.0005, 0.05 * width)
        left, right = -facing[reach < reach.min() + near], facing[reach > reach.max() - near]
        if min(_outward(left), _outward(right)) > FACING:
            best = min(best, width)
    return best


def _outward(facing: Array) -> float:
    """The mean of what faces a finger; the back of a thin wall does not."""
    return float(facing[facing > 0].mean()) if (facing > 0).any() else 0.0


def _round(axes: Array) -> Array:  # (A, 3) → (A, TILTS, SPIN, 3)
    """Directions all round each axis, at some tilts."""
    first = np.cross(axes, np.eye(3)[np.abs(axes).argmin(1)])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axes, first)
    angles = 2 * np.pi * np.arange(SPIN)[:, None] / SPIN
    across = np.cos(angles) * first[:, None] + np.sin(angles) * second[:, None]  # (A, SPIN, 3)
    tilts = TILTS[:, None, None]
    return np.cos(tilts) * across[:, None] + np.sin(tilts) * axes[:, None, None]


def _half_sphere(count: int) -> Array:  # (count, 3)
    """Directions spread evenly over the upper half of a sphere (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    z, turn = k / count, k * np.pi * (1 + 5**0.5)
    return np.column_stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z])
