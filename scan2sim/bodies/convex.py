"""A solid as a few convex pieces, which is what simulators collide."""

from __future__ import annotations

from dataclasses import dataclass

import coacd
import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError

from scan2sim.bodies.closed import enclosed_volume, is_closed
from scan2sim.bodies.decimate import decimate
from scan2sim.bodies.piece_fit import piece_fit
from scan2sim.errors import SceneError

__all__ = ["ConvexConfig", "bounded_hull", "convex_pieces", "crossings", "is_convex"]

LEAST_THRESHOLD = 0.01  # what coacd takes


@dataclass(frozen=True)
class ConvexConfig:
    """How a solid is cut into convex pieces."""

    threshold: float = 0.05
    """Largest concavity left in a piece at first, relative to the object (coacd's unit)."""
    refine: float = 0.6
    """The threshold is multiplied by this while the pieces lie too far from the solid …"""
    refinements: int = 1
    """… at most so many times, and not once the pieces number as many as they may."""
    mean_bound: float = 0.006
    """Mean distance between pieces and solid that is near enough, relative to the solid's longest side."""
    farthest_bound: float = 0.04
    """Largest distance between pieces and solid that is near enough, relative to the solid's longest side."""
    max_pieces: int = 48
    """At most this many pieces; pieces are merged beyond it."""
    max_vertices: int = 64
    """At most this many corners a piece (64 is what PhysX takes on a GPU)."""
    whole_vertices: int = 256
    """At most this many corners for a solid that stays one piece: round things tip onto the facets of coarse hulls
    (a scanned lemon turned by 12° with 64 corners and by 4°, as with all 3742, with 256)."""
    convex_enough: float = 0.94
    """A solid that fills at least this fraction of its convex hull stays one piece."""
    faces: int = 1000
    """The mesh is reduced to this many faces before it is cut."""


def convex_pieces(
    mesh: trimesh.Trimesh,
    config: ConvexConfig = ConvexConfig(),
    seed: int = 0,
) -> tuple[trimesh.Trimesh, ...]:
    """Cut a closed mesh into convex pieces; what is hollow stays hollow, what is convex stays whole.

    CoACD (Wei et al. 2022, "Approximate convex decomposition for 3D meshes with collision-aware concavity and tree
    search"), with a finer threshold until the pieces are near enough to the solid or as many as they may be.  The
    same mesh, config and seed give the same pieces; :func:`piece_fit` says how near they are.

    Raises:
        SceneError: the mesh is not closed.
    """
    if not is_closed(mesh):
        raise SceneError("convex pieces need a closed mesh", todo="close its holes first")
    whole = bounded_hull(mesh.vertices, config.whole_vertices)
    if mesh.volume >= config.convex_enough * mesh.convex_hull.volume:
        return (whole,)
    coarse, size = decimate(mesh, config.faces), float(mesh.extents.max())
    pieces, threshold = _cut(coarse, config.threshold, config, seed) or (whole,), config.threshold
    for _ in range(config.refinements):
        fit = piece_fit(mesh, pieces)
        near = fit.mean <= config.mean_bound * size and fit.farthest <= config.farthest_bound * size
        if near or len(pieces) >= config.max_pieces:
            break
        threshold *= config.refine
        pieces = _cut(coarse, threshold, config, seed) or pieces
    return pieces


def _cut(mesh: trimesh.Trimesh, threshold: float, config: ConvexConfig, seed: int) -> tuple[trimesh.Trimesh, ...]:
    centre, size = mesh.bounds.mean(0), float(mesh.extents.max())
    coacd.set_log_level("off")
    parts = coacd.run_coacd(
        coacd.Mesh((mesh.vertices - centre) / size, mesh.faces),
        threshold=max(threshold, LEAST_THRESHOLD),
        max_convex_hull=config.max_pieces,
        preprocess_mode="off",
        resolution=500,
        mcts_nodes=10,
        mcts_iterations=60,
        seed=seed,
    )
    pieces = []
    for vertices, _ in parts:
        try:
            pieces.append(bounded_hull(np.asarray(vertices) * size + centre, config.max_vertices))
        except SceneError:  # a sliver without volume holds nothing up
            continue
    return tuple(pieces)


def bounded_hull(
    points: ArrayLike,  # (N, 3) [m]
    max_vertices: int,
) -> trimesh.Trimesh:
    """Convex hull with at most ``max_vertices`` corners, all of them among the points.

    Starts from the extreme points along 26 directions and adds the points farthest outside the hull, an eighth of the
    hull's corners at a time, until none is left or the budget is used up; so the distance to the true hull falls
    greedily.

    Raises:
        SceneError: the points span no volume.
    """
    cloud = np.asarray(points, dtype=np.float64)
    try:
        cloud = cloud[ConvexHull(cloud).vertices]
        size = np.ptp(cloud, axis=0).max()
        chosen = _extremes(cloud)[:max_vertices]
        while True:
            hull = ConvexHull(cloud[chosen])
            heights = cloud @ hull.equations[:, :3].T + hull.equations[:, 3]  # (N, facets)
            peaks = np.unique(np.argmax(heights, axis=0))
            outside = heights[peaks].max(1)
            outside[np.isin(peaks, chosen)] = -np.inf
            room = min(max_vertices - len(chosen), max(1, len(chosen) // 8))
            farthest = np.argsort(-outside)[:room]
            added = peaks[farthest[outside[farthest] > 1e-6 * size]]
            if not len(added):
                break
            chosen = [*chosen, *added.tolist()]
    except (QhullError, ValueError) as problem:
        raise SceneError("the points of a convex piece span no volume") from problem
    a, b, c = cloud[chosen][hull.simplices].transpose(1, 0, 2)
    inwards = np.einsum("fi,fi->f", np.cross(b - a, c - a), hull.equations[:, :3]) < 0
    faces = np.where(inwards[:, None], hull.simplices[:, ::-1], hull.simplices)
    result = trimesh.Trimesh(cloud[chosen], faces, process=False)
    result.remove_unreferenced_vertices()
    if not is_closed(result):
        trimesh.repair.fix_normals(result)  # which side a sliver of a face looks to is not told by its normal
    if not is_closed(result):
        raise SceneError("the points of a convex piece span no volume")
    return result


def crossings(
    mesh: trimesh.Trimesh,
    height: NDArray[np.float64],  # (V,) of its vertices over a plane
) -> NDArray[np.float64]:  # (N, 3) [m]
    """Where a mesh's edges pass through the plane that ``height`` is measured from."""
    start, end = mesh.edges_unique[np.sign(height[mesh.edges_unique]).prod(1) < 0].T
    share = height[start] / (height[start] - height[end])
    return mesh.vertices[start] + share[:, None] * (mesh.vertices[end] - mesh.vertices[start])


def is_convex(mesh: trimesh.Trimesh, tolerance: float = 1e-3) -> bool:
    """Whether a mesh is closed and fills its convex hull but for a fraction ``tolerance`` of the volume."""
    if not is_closed(mesh):
        return False
    try:
        return enclosed_volume(mesh) >= (1 - tolerance) * ConvexHull(mesh.vertices).volume
    except QhullError:
        return False


def _extremes(cloud: np.ndarray) -> list[int]:
    grid = np.array(np.meshgrid(*[(-1, 0, 1)] * 3)).reshape(3, -1).T
    directions = grid[np.abs(grid).sum(1) > 0] / np.linalg.norm(grid[np.abs(grid).sum(1) > 0], axis=1, keepdims=True)
    return list(dict.fromkeys(np.argmax(cloud @ directions.T, axis=0).tolist()))
