"""What each object rests on, read from where the surfaces touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import Delaunay, KDTree, QhullError

from scan2sim.objects.support import SupportPlane

__all__ = ["Resting", "find_relations"]

Array = NDArray[np.float64]

TOUCH = 0.012  # surfaces this near to each other touch [camera distances]
FOOT = 0.01  # what lies less than this over an object's lowest point is its foot [camera distances]
UPWARDS = 0.5  # cosine of the steepest surface that carries
SHARE = 0.3  # of an object's foot that another one must carry
INSIDE = 0.5  # share of an object's surface within another's convex hull that makes it lie in it
HOLLOW = 0.8  # what fills more of its convex hull than this has no inside


@dataclass(frozen=True)
class Resting:
    """What carries an object: the index of another one, or None for the background's support."""

    on: int | None
    relation: Literal["on", "in", "against"]


def find_relations(
    meshes: list[trimesh.Trimesh],  # closed, scene frame
    plane: SupportPlane,
    unit: float,  # camera distance [m]
) -> list[Resting]:
    """Tell of each object what carries it.

    An object rests on the one whose upward surface lies next to most of its foot, else on the support.  It rests *in*
    what it rests on, or stands inside, if most of it lies within the other's convex hull and the other is hollow; it
    rests *against* another if its foot alone, standing on the support, does not lie under its middle.
    """
    return [_resting(i, meshes, plane, unit) for i in range(len(meshes))]


def _resting(i: int, meshes: list[trimesh.Trimesh], plane: SupportPlane, unit: float) -> Resting:
    mine = meshes[i]
    height = mine.vertices @ plane.normal
    foot = height < height.min() + FOOT * unit
    shares, beside = {}, {}
    for j, other in enumerate(meshes):
        if j != i and _near(mine, other, TOUCH * unit):
            distance, nearest = KDTree(other.vertices).query(mine.vertices)
            touching = distance < TOUCH * unit
            carried = touching & (other.vertex_normals[nearest] @ plane.normal > UPWARDS)
            carried &= other.vertices[nearest] @ plane.normal < mine.center_mass @ plane.normal
            shares[j], beside[j] = float(carried[foot].mean()), int(touching.sum())
    inside = {j: _share_inside(mine, meshes[j]) for j in shares if meshes[j].convex_hull.volume > mine.volume}
    if inside and max(inside.values()) > INSIDE:
        return Resting(max(inside, key=lambda j: inside[j]), "in")
    if shares and max(shares.values()) > SHARE:
        return Resting(max(shares, key=lambda j: shares[j]), "on")
    leaning = {j: count for j, count in beside.items() if count}
    if leaning and not _stands(mine, foot, plane):
        return Resting(max(leaning, key=lambda j: leaning[j]), "against")
    return Resting(None, "on")


def _near(a: trimesh.Trimesh, b: trimesh.Trimesh, gap: float) -> bool:
    return bool((a.bounds[0] - gap < b.bounds[1]).all() and (b.bounds[0] - gap < a.bounds[1]).all())


def _share_inside(mesh: trimesh.Trimesh, other: trimesh.Trimesh) -> float:
    hull = other.convex_hull
    if other.volume > HOLLOW * hull.volume:
        return 0.0
    return float((Delaunay(hull.vertices).find_simplex(mesh.triangles_center) >= 0) @ mesh.area_faces / mesh.area)


def _stands(mesh: trimesh.Trimesh, foot: NDArray[np.bool_], plane: SupportPlane) -> bool:
    """Whether the middle lies over the foot."""
    try:
        area = Delaunay(plane.flat(mesh.vertices[foot]))
    except QhullError:
        return False
    return bool(area.find_simplex(plane.flat(mesh.center_mass[None]))[0] >= 0)
