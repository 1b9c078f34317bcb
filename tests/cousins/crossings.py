"""Exact test of where a mesh runs through itself, independent of the code that it judges."""

from __future__ import annotations

import numpy as np
import trimesh
from scipy.spatial import KDTree


def crossings(mesh: trimesh.Trimesh) -> int:
    """How many pairs of an edge and a face without a common vertex cross each other."""
    triangles = np.asarray(mesh.triangles)
    middles, reach = triangles.mean(1), np.linalg.norm(triangles - triangles.mean(1, keepdims=True), axis=2).max(1)
    edges = mesh.edges_unique
    ends = np.asarray(mesh.vertices)[edges]
    half = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / 2
    near = KDTree(middles).query_ball_point(ends.mean(1), half + reach.max())
    edge = np.repeat(np.arange(len(edges)), [len(n) for n in near])
    face = np.concatenate([np.asarray(n, dtype=np.int64) for n in near])
    close = np.linalg.norm(middles[face] - ends.mean(1)[edge], axis=1) <= half[edge] + reach[face]
    edge, face = edge[close], face[close]
    apart = ~(mesh.faces[face][:, :, None] == edges[edge][:, None, :]).any((1, 2))
    edge, face = edge[apart], face[apart]
    start, way = ends[edge, 0], ends[edge, 1] - ends[edge, 0]
    a, b, c = triangles[face].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    slope = np.einsum("ni,ni->n", normal, way)
    along = np.einsum("ni,ni->n", normal, a - start) / np.where(slope == 0, np.inf, slope)
    inside = (along > 0) & (along < 1)
    start, way, along, a, b, c, normal = (v[inside] for v in (start, way, along, a, b, c, normal))
    place = start + along[:, None] * way
    sides = [np.einsum("ni,ni->n", np.cross(q - p, place - p), normal) for p, q in ((a, b), (b, c), (c, a))]
    return int((np.min(sides, axis=0) > 0).sum())
