"""What touches is taken apart: each connected thing is meshed, cut at its creases and joined into objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["Apart", "Rim", "Territories", "find_rims", "take_apart"]

Array = NDArray[np.float64]

CELL = 0.002  # of the mesh that creases are sought on [camera distances]
MAX_CELLS = 192  # along its longest side
LEVEL = 0.7  # cosine of the steepest rim on which something lies, …
LOW = 0.25  # … and quantile of that rim's heights at which it lies
SEEN = 0.3  # share of a piece's vertices that must have been seen
SKIN = 0.004  # how deep below the surface the seen shape says enough [camera distances]
FLOOR = 2.5  # cells; what lies lower is next to the support, …
UPWARD = 0.3  # … unless it faces up like a tray's floor: cosine of its normal


@dataclass(frozen=True)
class Rim:
    """Where two parts of a surface meet, and the plane ``normal · x = offset`` through it."""

    above: int  # the part on the side that the normal points to
    below: int
    normal: Array  # (3,)
    offset: float  # [m]
    centre: Array  # (3,) [m]
    radius: float  # [m] of the ball around the centre in which the plane divides the parts' insides
    level: bool  # whether one part lies upon the other, which then has all below the plane


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
            side = where @ rim.normal - rim.offset
            inside = (distance > self.skin) & (np.linalg.norm(where - rim.centre, axis=1) < rim.radius)
            down = (owner == rim.above) & (side < 0) & (inside | rim.level)
            up = (owner == rim.below) & (side > 0) & inside
            owner[down], owner[up] = rim.below, rim.above
        return torch.from_numpy(owner)


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


def find_rims(
    mesh: trimesh.Trimesh,
    part: NDArray[np.int64],  # (V,) number of the part, -1 = none
    floor: NDArray[np.bool_],  # (V,) vertices next to the support
    plane: SupportPlane,
) -> Iterator[Rim]:
    """Each two neighbouring parts' rim.

    Of two things side by side the rim's upper edge alone is seen, a line more often than not, and many planes go
    through a line: taken with its shadow on the support, it has one, which leans no more than the line itself.
    """
    edges = mesh.edges_unique[(~floor & (part >= 0))[mesh.edges_unique].all(1)]
    pairs = np.sort(part[edges], axis=1)
    for a, b in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0):
        points = mesh.vertices[edges[(pairs == (a, b)).all(1)]].mean(1)
        centre, normal = _plane_through(points)
        if abs(normal @ plane.normal) < LEVEL:  # what nobody sees of their rim lies beneath it
            heights = plane.height(torch.tensor(points)).numpy()
            points = np.concatenate([points, points - heights[:, None] * plane.normal])
            centre, normal = _plane_through(points)
        radius = float(np.linalg.norm(points - centre, axis=1).max())
        first, second = (float((mesh.vertices[part == which].mean(0) - centre) @ normal) for which in (a, b))
        if first < second:
            normal = -normal
        above, below = int(a), int(b)
        if normal @ plane.normal < -LEVEL:
            above, below, normal = below, above, -normal
        level, offset = bool(normal @ plane.normal > LEVEL), float(normal @ centre)
        if level:  # what fills the crease between two things raises their rim, here and there
            normal, offset = plane.normal, float(np.quantile(points @ plane.normal, LOW))
        yield Rim(above, below, normal, offset, centre, radius, level)


def _plane_through(points: Array) -> tuple[Array, Array]:  # (3,), (3,)
    """The middle of points and the normal of the plane through it that they are nearest to."""
    centre = points.mean(0)
    return centre, np.linalg.eigh((points - centre).T @ (points - centre))[1][:, 0]
