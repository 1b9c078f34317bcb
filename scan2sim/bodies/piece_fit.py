"""How well convex pieces stand for a solid: distances between the two surfaces, and the volume they add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh

from scan2sim.bodies.solid import union
from scan2sim.bodies.surface import Surface, outer_points

__all__ = ["PieceFit", "piece_fit"]

POINTS = 4000  # of each surface that are asked for their distance
SPACING = 1 / 300  # between the samples that distances are looked up by, over the solid's size
TOUCHING = 1 / 300  # pieces nearer than this to each other touch, over the solid's size


@dataclass(frozen=True)
class PieceFit:
    """Convex pieces beside the solid that they stand for."""

    mean: float  # [m] of the pieces' outside from the solid's surface and back, each by half
    farthest: float  # [m] in either direction
    volume_ratio: float  # of what lies in any piece, over the solid


def piece_fit(
    mesh: trimesh.Trimesh,  # closed
    pieces: Sequence[trimesh.Trimesh],  # convex, at least one
) -> PieceFit:
    """Measure convex pieces against the closed mesh that they were cut from.

    Only the outside of the pieces counts: where they touch or overlap each other, nothing can be touched.

    Raises:
        SceneError: a mesh is not closed.
    """
    size = float(mesh.extents.max())
    skin = _together(pieces)
    outside = outer_points(pieces, POINTS, TOUCHING * size)
    out = Surface(mesh, SPACING * size).distances(outside if len(outside) else skin.vertices)
    back = Surface(skin, SPACING * size).distances(Surface(mesh).points(POINTS))
    mean = (float(out.mean()) + float(back.mean())) / 2
    return PieceFit(mean, float(max(out.max(), back.max())), float(union(pieces).volume / mesh.volume))


def _together(pieces: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    starts = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    faces = [piece.faces + start for piece, start in zip(pieces, starts, strict=False)]
    return trimesh.Trimesh(np.concatenate([p.vertices for p in pieces]), np.concatenate(faces), process=False)
