"""Objects of a scene beside those that are really there: which is which, and how alike they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from scan2sim.bodies import Surface, outer_points
from scan2sim.cameras import Camera
from scan2sim.report.alignment import Alignment
from scan2sim.report.surfaces import f_score, seen_points
from scan2sim.report.truth import TrueObject
from scan2sim.scene import SceneObject

__all__ = ["pair_objects", "shape_figures"]

Array = NDArray[np.float64]

POINTS = 20_000  # of each surface that are asked for their distance
LEAST_OVERLAP = 0.25  # of the boxes, intersection over union, for two things to be the same
TOUCHING = 0.0005  # [m]: what lies so near to another collision piece is a cut between the two, no surface


def pair_objects(found: dict[int, trimesh.Trimesh], true: tuple[TrueObject, ...]) -> dict[int, int]:
    """Id of the true object by id of the found one: the pairs with the largest sum of overlaps of their boxes."""
    ids = list(found)
    overlaps = np.array([[_box_overlap(found[i].bounds, thing.mesh.bounds) for thing in true] for i in ids])
    if not overlaps.size:
        return {}
    rows, columns = linear_sum_assignment(-overlaps)
    return {ids[r]: true[c].id for r, c in zip(rows, columns, strict=True) if overlaps[r, c] >= LEAST_OVERLAP}


def _box_overlap(a: Array, b: Array) -> float:  # (2, 3) each
    shared = np.prod((np.minimum(a[1], b[1]) - np.maximum(a[0], b[0])).clip(0))
    return float(shared / (np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0)) - shared))


def shape_figures(
    thing: SceneObject,
    mesh: trimesh.Trimesh,
    true: TrueObject,
    views: list[tuple[Camera, NDArray[np.bool_]]],
    alignment: Alignment,
) -> dict[str, Any]:
    """How far one object's surface, box, collision pieces and volume are from the true ones."""
    mine, real = Surface(mesh), Surface(true.mesh)
    points, real_points = mine.points(POINTS), real.points(POINTS)
    accuracy, completeness = real.distances(points), mine.distances(real_points)
    row: dict[str, Any] = {
        "name": thing.name,
        "truth": true.name,
        "box_error_mm": 1000 * float(np.abs(mesh.bounds - true.mesh.bounds).max()),
        "accuracy_mm": 1000 * float(accuracy.mean()),
        "completeness_mm": 1000 * float(completeness.mean()),
        "mean_distance_mm": 500 * float(accuracy.mean() + completeness.mean()),
        "f_2mm": f_score(accuracy, completeness, 0.002),
        "f_5mm": f_score(accuracy, completeness, 0.005),
        "seen_f_2mm": None,
        "seen_share": None,
        "collision_mm": None,
    }
    if views:
        seen = seen_points(real, views)
        row["seen_share"] = float(seen.mean())
        of_mine, of_real = seen[real.nearest_sample(points)], seen[real.nearest_sample(real_points)]
        row["seen_f_2mm"] = f_score(accuracy[of_mine], completeness[of_real], 0.002)
    pieces = [alignment.mesh(thing, piece) for piece in thing.collision]
    outside = outer_points(pieces, POINTS, TOUCHING)
    if len(outside):
        row["collision_mm"] = 1000 * float(real.distances(outside).mean())
    volume, factor = thing.physical.volume, alignment.scale**3
    row |= {f"volume_{key}_ml": 1e6 * factor * getattr(volume, key) for key in ("value", "low", "high")}
    whole = true.mesh.copy()
    whole.merge_vertices(merge_tex=True, merge_norm=True)  # files split surfaces at the seams of their textures
    row["volume_true_ml"] = 1e6 * float(whole.volume) if whole.is_watertight else None
    return row
