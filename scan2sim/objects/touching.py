"""What touches is taken apart: each connected thing is meshed, cut at its creases and joined into objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.objects.coloring import color_mesh
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.creases import cut_at_creases
from scan2sim.objects.joining import join_pieces
from scan2sim.objects.rims import Rim, find_rims
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["Apart", "Territories", "take_apart"]

Array = NDArray[np.float64]

CELL = 0.002  # of the mesh that creases are sought on [camera distances]
MAX_CELLS = 192  # along its longest side
SEEN = 0.3  # share of a piece's vertices that must have been seen
SKIN = 0.004  # how deep below the surface the seen shape says enough [camera distances]
FLOOR = 2.5  # cells; what lies lower is next to the support, …
UPWARD = 0.3  # … unless it faces up like a tray's floor: cosine of its normal


@dataclass(frozen=True)
class Territories:
    """The space between things that touch: all belongs to the nearest surface, divided inside by the rims' planes."""

    points: Array  # (P, 3) [m] on their surfaces
    part: NDArray[np.int64]  # (P,) whose, as a number of the grid
    rims: tuple[Rim, ...]
    skin: float  # [m] what is nearer to a surface belongs to it, on whichever side of an upright rim

    def owner(self, points: Tensor) -> Tensor:  # (N, 3) [m] to (N,) int64
        """Whose space each point lies in."""
        where = points.numpy().astype(np.float64)
        distance, nearest = KDTree(self.points).query(where, workers=-1)
        owner = self.part[nearest]
        for rim in self.rims:
            side = rim.height(where)
            inside = (distance > self.skin) & (np.linalg.norm(where - rim.centre, axis=1) < rim.radius)
            down = (owner == rim.above) & (side < 0) & (inside | rim.level)
            up = (owner == rim.below) & (side > 0) & inside
            owner[down], owner[up] = rim.below, rim.above
        return torch.from_numpy(owner)

    def bowl_distance(self, number: int, points: Array) -> Array:  # (N, 3) [m] to (N,) [m]
        """How far points are from the inside of a bowl in which a part lies, or which it is; ∞ where none is."""
        distance = np.full(len(points), np.inf)
        for rim in self.rims:
            if rim.dip > 0 and number in (rim.above, rim.below):
                near = rim.aside(points) < rim.radius
                distance[near] = np.minimum(distance[near], np.abs(rim.height(points[near])))
        return distance


@dataclass(frozen=True)
class Apart:
    """Things that stood together, with a number for each."""

    grid: VoxelLabels
    pixels: list[Tensor]  # per view (H, W) int64
    whole: Tensor  # (count + 1,) int64: the number that each had when they were one
    territories: dict[int, Territories]  # of those that touch others

    def belongs(self, number: int) -> Callable[[Tensor], Tensor] | None:  # (N, 3) to (N,) bool
        """Tells which points can be a thing's; None = all of them."""
        space = self.territories.get(number)
        return None if space is None else lambda points: space.owner(points) == number

    def bowl_distance(self, number: int) -> Callable[[Array], Array] | None:  # (N, 3) [m] to (N,) [m]
        """Tells how far points are from the bowl in which a thing lies, or which it is; None = it touches nothing."""
        space = self.territories.get(number)
        return None if space is None else lambda points: space.bowl_distance(number, points)


def take_apart(
    numbers: list[int],  # which of the grid's to look at
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) int64 number of each pixel, 0 = none
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter = silent,
) -> Apart:
    """Give objects that touch a number each, in the voxels and in the views, and the space that is theirs.

    The first part of what was number n keeps n, and the others get new numbers at the end.
    """
    labels, pixels, count = grid.labels.clone(), [picture.clone() for picture in pixels], grid.count
    territories, whole = {}, list(range(count + 1))
    for done, number in enumerate(numbers, start=1):
        parts = _parts(number, views, pixels, grid, plane, unit, config)
        if parts is not None:
            kept = np.unique(parts.part)
            names = np.zeros(kept[-1] + 1, np.int64)
            names[kept] = [number, *range(count + 1, count + len(kept))]
            rims = (replace(rim, above=int(names[rim.above]), below=int(names[rim.below])) for rim in parts.rims)
            space = replace(parts, part=names[parts.part], rims=tuple(rims))
            count += len(kept) - 1
            whole += [number] * (len(kept) - 1)
            territories |= dict.fromkeys(names[kept].tolist(), space)
            cells = grid.labels == number
            labels[cells] = space.owner((cells.nonzero() + 0.5) * grid.cell + grid.corner)
            for view, picture in zip(views, pixels, strict=True):
                mine = picture == number
                picture[mine] = space.owner(view.points()[0][mine])
        report("taking apart what touches", done, len(numbers))
    return Apart(replace(grid, labels=labels, count=count), pixels, torch.tensor(whole), territories)


def _parts(
    number: int,
    views: list[View],
    pixels: list[Tensor],
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
) -> Territories | None:
    """The space of the parts 0, 1, … of a connected thing; None if it is one object."""
    low, high = grid.box(number, plane)
    size = float((high - low).max())
    cells = int(min(MAX_CELLS, size / (CELL * unit)))
    masks = [picture == number for picture in pixels]
    mesh = object_surface(views, masks, low, high, plane, cells, all_pieces=True)
    if mesh is None:
        return None
    seen = color_mesh(mesh, views, masks, tolerance=2 * grid.cell)
    floor = plane.height(torch.tensor(mesh.vertices)).numpy() < FLOOR * size / cells
    floor &= mesh.vertex_normals @ plane.normal < UPWARD
    pieces = cut_at_creases(mesh, floor, unit)
    part, _ = join_pieces(mesh, pieces, floor, seen, unit, config.min_size * unit)
    part = np.where(_seen_pieces(mesh, seen), part, -1)
    if len(np.unique(part[part >= 0])) < 2:
        return None
    known = part >= 0
    known &= ~floor | ~np.isin(part, part[~floor])  # what lies on the support was seen by nobody
    return Territories(mesh.vertices[known], part[known], tuple(find_rims(mesh, part, floor, plane)), SKIN * unit)


def _seen_pieces(mesh: trimesh.Trimesh, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:  # (V,)
    """Which vertices lie on connected pieces that were seen; the insides of other things were not."""
    edges = mesh.edges_unique
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(seen),) * 2)
    piece = connected_components(graph, directed=False)[1]
    return (np.bincount(piece, seen) / np.bincount(piece))[piece] > SEEN
