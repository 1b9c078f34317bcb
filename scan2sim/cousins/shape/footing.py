"""How an object stands: the plane under it, the axes of its shape above that plane, and whether it would tip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from scan2sim.errors import SceneError
from scan2sim.geometry import matrix_from_quaternion
from scan2sim.scene import SceneObject

__all__ = ["Footing", "footing_of", "support_margin"]

Array = NDArray[np.float64]

STEEPEST = np.cos(np.radians(20))  # what an object stands on is at most so steep
FOOT = 0.003  # corners that are so near to the plane carry the object, over its size
TRIMMED = 3.0  # times the median residual: what lies off a round body's circles, such as a handle


@dataclass(frozen=True)
class Footing:
    """The standing frame: z = 0 is the plane under the object, z its normal, x the longer way across it."""

    standing_from_object: Array  # (4, 4)
    gravity: Array  # (3,) unit, standing frame
    size: float  # [m] longest side in the standing frame
    margin: float  # of the object itself, as support_margin says

    def points(self, points: Array) -> Array:  # (N, 3) object frame to standing frame
        """Carry points into the standing frame."""
        return points @ self.standing_from_object[:3, :3].T + self.standing_from_object[:3, 3]

    def in_object(self, points: Array) -> Array:  # (N, 3) standing frame to object frame
        """Carry points back."""
        return (points - self.standing_from_object[:3, 3]) @ self.standing_from_object[:3, :3]


def footing_of(obj: SceneObject) -> Footing:
    """The plane is the facet of the collision pieces' hull through which the weight leaves them, if it is level
    within 20°; otherwise the level plane through the lowest corner.

    Raises:
        SceneError: the collision pieces span no volume.
    """
    down = -matrix_from_quaternion(obj.wxyz)[2]
    corners = np.concatenate([np.asarray(piece.vertices) for piece in obj.collision])
    try:
        facets = ConvexHull(corners).equations
    except (QhullError, ValueError) as problem:
        raise SceneError(f"the collision pieces of “{obj.name}” span no volume") from problem
    facing = facets[:, :3] @ down
    depth = np.where(facing > 1e-6, -(facets[:, :3] @ obj.physical.center_of_mass + facets[:, 3]), np.inf)
    exit_facet = facets[np.argmin(depth / np.maximum(facing, 1e-6)), :3]
    up = -exit_facet if exit_facet @ down > STEEPEST else -down
    skin = np.asarray(obj.visual.vertices, dtype=np.float64)
    rotation = _axes(skin, np.asarray(obj.visual.faces), up)
    standing = skin @ rotation.T
    centre = _axis_of_revolution(standing)
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = rotation, [-centre[0], -centre[1], -(corners @ up).min()]
    footing = Footing(frame, rotation @ down, float(np.ptp(standing, axis=0).max()), 0.0)
    centre_of_mass = footing.points(np.asarray(obj.physical.center_of_mass)[None])[0]
    margin = support_margin(footing.points(corners), centre_of_mass, footing)[0]
    return Footing(frame, footing.gravity, footing.size, margin)


def support_margin(
    corners: Array,  # (N, 3) [m] of the collision pieces, standing frame
    centre_of_mass: Array,  # (3,) [m]
    footing: Footing,
) -> tuple[float, Array]:  # margin and (2,) [m] the way to the polygon's safest place
    """How far inside the support polygon the weight acts, over the polygon's radius (twice its area over its
    perimeter); negative outside of it.

    A polygon without area, such as that of a thing that leans on another one, gives -1.
    """
    feet = corners[corners[:, 2] < FOOT * footing.size, :2]
    here = (centre_of_mass - footing.gravity * (centre_of_mass[2] / footing.gravity[2]))[:2]
    try:
        polygon = ConvexHull(feet)
    except (QhullError, ValueError):
        return -1.0, np.zeros(2)
    radius = 2 * polygon.volume / polygon.area  # in the plane these are its area and its perimeter
    safest = feet[polygon.vertices].mean(0)
    inside = float((-polygon.equations[:, :2] @ here - polygon.equations[:, 2]).min())
    return inside / radius, safest - here


def _axes(vertices: Array, faces: NDArray[np.int64], up: Array) -> Array:  # (3, 3) standing from object, a rotation
    """x along the larger spread of the surface across ``up``."""
    triangles = vertices[faces]
    area = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
    places = triangles.mean(1)
    places = places - np.average(places, axis=0, weights=area)
    across = places - np.outer(places @ up, up)
    x = np.linalg.eigh(np.einsum("n,ni,nj->ij", area, across, across))[1][:, -1]
    x = x - (x @ up) * up
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(up, x), up])


def _axis_of_revolution(standing: Array) -> Array:  # (2,) [m]
    """The centre of circles, one a height, that fit the corners best; for what is not round, its middle.

    ``|p|² = 2 c·p + r(z)² - |c|²`` is linear in c once each height's mean is taken off (Kåsa 1976, "A circle fitting
    procedure and its error analysis"), with what lies far off, such as a handle, left out the second time.
    """
    height = standing[:, 2]
    level = ((height - height.min()) / max(float(np.ptp(height)), 1e-12) * 15.999).astype(np.int64)
    places, squares = standing[:, :2], (standing[:, :2] ** 2).sum(1)
    kept, centre = np.ones(len(standing), dtype=bool), places.mean(0)
    for _ in range(3):
        counts = np.maximum(np.bincount(level[kept], minlength=16), 1)
        mean = np.stack([np.bincount(level[kept], v[kept], minlength=16) / counts for v in (*places.T, squares)], 1)
        rows = np.column_stack([places, squares]) - mean[level]
        centre = np.linalg.lstsq(2 * rows[kept, :2], rows[kept, 2], rcond=None)[0]
        residual = np.abs(rows[:, 2] - 2 * rows[:, :2] @ centre)
        kept = residual <= TRIMMED * np.median(residual) + 1e-15
        if kept.sum() < 16:
            break
    middle = (places.min(0) + places.max(0)) / 2
    near = np.linalg.norm(centre - middle) < 0.25 * float(np.ptp(places, axis=0).max())
    return np.asarray(centre if near else middle, np.float64)
