"""Other flat pieces than the main support that things can stand on: shelves, the floor, upper sides of objects."""

from __future__ import annotations

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from torch import Tensor

from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View

__all__ = ["find_ledges", "upper_side"]

CELL = 0.02  # of the grid in which level pieces of the background are sought [camera distances]
FLAT = 0.003  # standard deviation of heights within a cell, or about the plane of a piece, at most [camera distances]
MIN_POINTS = 20  # in a cell
SIDE = 0.2  # of the smallest square that is a background support [camera distances]
BELOW, ABOVE = 2.0, 1.0  # how far from the main support's height others are looked for [camera distances]
NEAR = 2.0  # how far from the middle of the scene [camera distances]
APART = 0.03  # what is nearer to the main support in height is its own unevenness [camera distances]
LEVEL = np.cos(np.radians(8))  # steepest part of a support
CARRYING = np.cos(np.radians(20))  # … of one on which something stands; …
CARRIES = 2.0  # … it may be so many times as uneven, and its sides so many times as short
STRIDE = 3  # one pixel of so many in a row and column is looked at
TOP_SIDE = 0.08  # of the smallest square that is an object's own support [camera distances]
TOP_FILL = 0.5  # share of its outline that is level


def find_ledges(
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) int64 number of the object, 0 = none
    plane: SupportPlane,
    unit: float,  # camera distance [m]
) -> list[SupportPlane]:
    """Level pieces of the background at other heights than the main support, the largest first.

    The background's points are sorted into cells; cells with little spread in height hang together in pieces, and a
    piece that is large enough and lies about a level plane is a support.
    """
    clouds = []
    for view, picture in zip(views, pixels, strict=True):
        points, has = view.points()
        chosen = (has & (picture == 0))[::STRIDE, ::STRIDE]
        clouds.append(points[::STRIDE, ::STRIDE][chosen])
    points = torch.cat(clouds).numpy().astype(np.float64)
    height = points @ plane.normal - plane.offset
    keep = (np.linalg.norm(points[:, :2], axis=1) < NEAR * unit) & (height > -BELOW * unit) & (height < ABOVE * unit)
    keep &= np.abs(height) > APART * unit
    placed = np.column_stack([plane.flat(points[keep]), height[keep]])
    if len(placed) < MIN_POINTS:
        return []
    cells = np.floor((placed - placed.min(0)) / (CELL * unit)).astype(np.int64)
    shape = tuple(cells.max(0) + 1)
    index = np.ravel_multi_index(tuple(cells.T), shape)
    size = int(np.prod(shape))
    count = np.bincount(index, minlength=size).clip(1)
    mean = np.bincount(index, placed[:, 2], size) / count
    spread = np.sqrt((np.bincount(index, placed[:, 2] ** 2, size) / count - mean**2).clip(0))
    level = ((count >= MIN_POINTS) & (spread < FLAT * unit)).reshape(shape)
    patch, number = ndimage.label(level, np.ones((3, 3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    of_point = patch.ravel()[index]
    found = [_plane(points[keep][of_point == i], plane, unit) for i in range(1, number + 1)]
    return sorted((ledge for ledge in found if ledge is not None), key=lambda ledge: -_area(ledge.polygon))


def upper_side(mesh: trimesh.Trimesh, plane: SupportPlane, unit: float, carries: bool) -> SupportPlane | None:
    """The level upper side of an object, if it has one that things could stand on: a tray's, a plate's, a book's.

    What already carries something need not be as flat and as large.
    """
    up = mesh.face_normals @ plane.normal > (CARRYING if carries else LEVEL)
    if not up.any():
        return None
    height, area = mesh.triangles_center @ plane.normal, mesh.area_faces
    thick = 2 * FLAT * unit * (CARRIES if carries else 1.0)
    order = np.argsort(height[up])
    sorted_height, total = height[up][order], np.cumsum(area[up][order])
    end = np.searchsorted(sorted_height, sorted_height + thick)
    inside = total[end - 1] - total + area[up][order]
    lowest = sorted_height[int(inside.argmax())]
    layer = up & (height >= lowest) & (height <= lowest + thick)
    if float(area[layer].sum()) < (TOP_SIDE * unit / (CARRIES if carries else 1.0)) ** 2:
        return None
    within = np.argsort(height[layer])
    half = np.searchsorted(np.cumsum(area[layer][within]), 0.5 * area[layer].sum())
    offset = float(height[layer][within][half])  # the median: what lies at a thing's foot does not count
    noise = float(np.sqrt(np.average((height[layer] - offset) ** 2, weights=area[layer])))
    top = SupportPlane(plane.normal, offset, noise, np.zeros((0, 2)))
    outline = _hull(top.flat(mesh.vertices[np.unique(mesh.faces[layer])]))
    if outline is None or (not carries and float(area[layer].sum()) < TOP_FILL * _area(outline)):
        return None
    return SupportPlane(plane.normal, offset, noise, outline)


def _plane(points: NDArray[np.float64], main: SupportPlane, unit: float) -> SupportPlane | None:
    """The plane through a patch, if it is level, flat and large."""
    centre = points.mean(0)
    normal = np.linalg.eigh((points - centre).T @ (points - centre))[1][:, 0]
    normal *= np.sign(normal @ main.normal) or 1.0
    noise = float((points - centre).dot(normal).std())
    if normal @ main.normal < LEVEL or noise > FLAT * unit:
        return None
    offset = float(normal @ centre)
    outline = _hull(SupportPlane(normal, offset, noise, np.zeros((0, 2))).flat(points))
    if outline is None or _area(outline) < (SIDE * unit) ** 2:
        return None
    return SupportPlane(normal, offset, noise, outline)


def _hull(flat: NDArray[np.float64]) -> NDArray[np.float64] | None:  # (N, 2) to (V, 2) counter-clockwise
    try:
        return flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return None


def _area(polygon: NDArray[np.float64]) -> float:
    x, y = polygon.T
    return float(0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
