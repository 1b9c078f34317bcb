"""The main support: the plane that things stand on, refined on splat depth, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from torch import Tensor

from scan2sim.errors import ObjectsError
from scan2sim.geometry import quaternion_from_matrix, rotation_between
from scan2sim.objects.views import View

__all__ = ["SupportPlane", "find_support"]

BANDS = (0.04, 0.02, 0.01, 0.006, 0.004)  # half widths of the shrinking band around the plane [camera distances]
CELL = 0.02  # of the grid in which the plane's reach is measured [camera distances]
MIN_POINTS = 500
MIN_FLAT = 0.15  # share of the points in the widest band that the narrowest must hold; a cloud has 0.1
NO_SURFACE = "no flat surface is seen under the objects"
FILM_AGAIN = "photograph things on a table or floor that is textured and seen from all sides"
SAMPLE = 400_000  # points that the fit looks at, at most


@dataclass(frozen=True)
class SupportPlane:
    """Points with ``normal · x = offset``, and the convex outline of what was seen of them."""

    normal: NDArray[np.float64]  # (3,) unit, upwards
    offset: float  # [m]
    noise: float  # [m] one robust standard deviation of the surface about the plane
    polygon: NDArray[np.float64]  # (V, 2) [m] counter-clockwise, in the support's frame

    def height(self, points: Tensor) -> Tensor:  # (..., 3) to (...)
        """Signed height above the plane [m]."""
        return points @ torch.tensor(self.normal, dtype=points.dtype) - self.offset

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) scene from support: the smallest turn of the scene's axes onto the plane."""
        return rotation_between([0, 0, 1], self.normal)

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) the point of the plane nearest to the scene's origin [m]."""
        return self.normal * self.offset

    @property
    def wxyz(self) -> NDArray[np.float64]:
        """(4,) quaternion of :attr:`rotation`."""
        return quaternion_from_matrix(self.rotation)

    def flat(self, points: NDArray[np.float64]) -> NDArray[np.float64]:  # (N, 3) to (N, 2)
        """Coordinates within the plane."""
        return ((points - self.position) @ self.rotation)[:, :2]

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:  # (N, 3) to (N,)
        """Whether points stand over the outline."""
        flat, corner = self.flat(points), self.polygon
        edge = np.roll(corner, -1, axis=0) - corner
        left = [e[0] * (flat[:, 1] - c[1]) - e[1] * (flat[:, 0] - c[0]) >= 0 for c, e in zip(corner, edge, strict=True)]
        return np.all(left, axis=0)


def find_support(views: list[View], unit: float, seed: int, normal: ArrayLike = (0.0, 0.0, 1.0)) -> SupportPlane:
    """Refine the plane through the scene's origin with this normal, z unless the table is tilted, on surface points.

    The plane is fitted again and again to the points in a shrinking band about it, with weights that favour the
    densest layer (Tukey's biweight), so that what stands on it does not lift it.  ``unit`` is the camera distance [m].

    Raises:
        ObjectsError: no plane is seen there.
    """
    points = torch.cat([points[has] for points, has in (view.points() for view in views)])
    generator = torch.Generator().manual_seed(seed)
    if len(points) > SAMPLE:
        points = points[torch.randint(len(points), (SAMPLE,), generator=generator)]
    cloud = points.numpy().astype(np.float64)
    start = np.asarray(normal, dtype=np.float64)
    normal, offset = start, 0.0
    noise = BANDS[-1] * unit
    for band in BANDS:
        distance = cloud @ normal - offset
        near = np.abs(distance) < band * unit
        near &= np.linalg.norm(cloud, axis=1) < 2 * unit
        if near.sum() < MIN_POINTS:
            raise ObjectsError(NO_SURFACE, todo=FILM_AGAIN)
        weight = (1 - (distance[near] / (band * unit)) ** 2) ** 2
        centre = np.average(cloud[near], axis=0, weights=weight)
        scatter = ((cloud[near] - centre) * weight[:, None]).T @ (cloud[near] - centre)
        normal = np.linalg.eigh(scatter)[1][:, 0]
        normal *= np.sign(normal @ start)
        offset = float(normal @ centre)
        layer = cloud[near] @ normal - offset
        noise = float(1.4826 * np.median(np.abs(layer - np.median(layer))))
    distance = np.abs(cloud @ normal - offset)[np.linalg.norm(cloud, axis=1) < unit]
    if (distance < BANDS[-1] * unit).sum() < MIN_FLAT * (distance < BANDS[0] * unit).sum():
        raise ObjectsError(NO_SURFACE, todo=FILM_AGAIN)
    flat_plane = SupportPlane(normal, offset, noise, np.zeros((0, 2)))
    on_plane = np.abs(cloud @ normal - offset) < max(3 * noise, BANDS[-1] * unit)
    return SupportPlane(normal, offset, noise, _outline(flat_plane.flat(cloud[on_plane]), CELL * unit))


def _outline(flat: NDArray[np.float64], cell: float) -> NDArray[np.float64]:
    """Convex hull of the connected patch of cells that reaches the scene's origin, or of the largest one."""
    reach = 400 * cell
    flat = flat[np.abs(flat).max(1) < reach]
    bins = int(2 * reach / cell)
    counts, *_ = np.histogram2d(flat[:, 0], flat[:, 1], bins=bins, range=[[-reach, reach]] * 2)
    filled = ndimage.binary_closing(counts >= 3, iterations=3)
    patches, number = ndimage.label(filled)  # pyright: ignore[reportGeneralTypeIssues]
    if number == 0:
        raise ObjectsError(NO_SURFACE, todo=FILM_AGAIN)
    centre = bins // 2
    near = patches[centre - 10 : centre + 10, centre - 10 : centre + 10]
    near = near[near > 0]
    chosen = np.bincount(near).argmax() if len(near) else np.bincount(patches[patches > 0]).argmax()
    cells = (np.argwhere(patches == chosen) + 0.5) * cell - reach
    corners = np.concatenate([cells + np.array(d) * cell / 2 for d in ((1, 1), (1, -1), (-1, 1), (-1, -1))])
    return corners[ConvexHull(corners).vertices]
