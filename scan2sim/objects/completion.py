"""Surface that no photo saw, from the mirrored or turned surface that some photo saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.bodies import decimate, enclosed, enclosed_grid, is_closed
from scan2sim.objects.evidence import firmly_seen, seen_through
from scan2sim.objects.fairing import smoothed
from scan2sim.objects.fusing import Refined
from scan2sim.objects.gaps import fill_gaps, off_grid
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import largest_piece, zero_surface
from scan2sim.objects.symmetry import Skin, Symmetry, find_symmetries
from scan2sim.objects.views import View

__all__ = ["complete_unseen"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR = 0.006  # a vertex is seen by a view whose depth is so near [camera distances]; images may miss by as much
NOISE = 3.0  # … or by so many standard deviations of the support's surface, …
SMALL = 0.06  # … but by no more than this [longest side of the object]
HELD = 0.5  # trust from which on a place is evidence
SPACING = 1.0  # of a surface's points, at most [cells]
RAMP = 8  # rounds of smoothing over which seen surface goes over into invented surface
REACH = 6.0  # cells; distances beyond count no more than this
BLUR = 0.8  # cells
MARGIN = 4  # cells around the object
TOLD = 0.5  # trust in all images together from which on they take the place of what no photo saw
IMAGE = 0.5  # trust of an image
UPRIGHT = 0.7  # cosine to the support's normal over which a mirror plane lies flat
FACES = 12_000


def complete_unseen(
    refined: Refined,  # scene frame
    masks: list[Tensor],  # per view (H, W) bool: pixels that show the object
    views: list[View],
    others: Sequence[Refined],  # things in whose space it cannot be
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    cells: int,  # along the longest side of the object
) -> tuple[Refined, list[Symmetry]]:
    """Give a mesh's unseen surface the place of its images under the symmetries of what was seen.

    The signed distances from the mesh and from its images are sampled on a grid.  Where the mesh next to a point was
    seen, its own distance is kept; elsewhere it gives way to the mean of those images that were seen.  Nothing grows
    into space that photos see through, into the support or beneath surface of another thing that is held.

    Returns:
        the surface, unchanged where no symmetry is found, and the symmetries used.  Images are trusted half.
    """
    mesh = refined.mesh
    size = float(np.ptp(mesh.vertices, axis=0).max())
    cell = size / cells
    tolerance = min(max(NEAR * unit, NOISE * plane.noise), SMALL * size)
    if 2 * mesh.volume < tolerance * mesh.area:  # thinner walls than images miss by: no side can be told from the other
        return refined, []
    dense = _dense(mesh, SPACING * cell)
    firm = firmly_seen(dense, masks, views, NEAR * unit)
    trust = firm * refined.trust[KDTree(mesh.vertices).query(dense.vertices, workers=-1)[1]]
    skin = Skin(np.asarray(dense.vertices), np.asarray(dense.vertex_normals), trust > HELD)

    looks = _Looks(masks, views, plane, tolerance)
    found = find_symmetries(skin, plane.normal, looks.through, tolerance)
    symmetries = [_grounded(each, skin, plane, tolerance) for each in found]
    if not symmetries:
        return refined, []
    completed = _fused(dense, skin, smoothed(dense, trust, RAMP), symmetries, looks, others, cell)
    if completed is None or not is_closed(completed.mesh):
        return refined, []
    return completed, symmetries


@dataclass(frozen=True)
class _Looks:
    """What views tell of the space around an object."""

    masks: list[Tensor]  # per view (H, W) bool: pixels that show it
    views: list[View]
    plane: SupportPlane
    tolerance: float  # [m]

    def through(self, points: Array) -> Flags:  # (N, 3) [m] to (N,)
        """Where nothing is."""
        return seen_through(points, self.masks, self.views, self.plane, self.tolerance)


def _dense(mesh: trimesh.Trimesh, spacing: float) -> trimesh.Trimesh:
    while float(np.sqrt(mesh.area / len(mesh.vertices))) > spacing:
        mesh = mesh.subdivide()
    return mesh


def _grounded(symmetry: Symmetry, skin: Skin, plane: SupportPlane, tolerance: float) -> Symmetry:
    """A flat mirror plane at the height at which the images just touch the support, if it nearly is."""
    upright = float(symmetry.axis @ plane.normal)
    if symmetry.kind != "mirror" or abs(upright) < UPRIGHT:
        return symmetry
    linear, shift = symmetry.maps()[0]
    gap = float((plane.normal @ (skin.points[skin.seen] @ linear.T + shift).T).min()) - plane.offset
    if abs(gap) > tolerance:
        return symmetry
    return replace(symmetry, point=symmetry.point - gap / (2 * upright) * symmetry.axis)


def _fused(
    dense: trimesh.Trimesh,
    skin: Skin,  # of its vertices
    trust: Array,  # (N,) 0..1 of its points
    symmetries: list[Symmetry],
    looks: _Looks,
    others: Sequence[Refined],
    cell: float,
) -> Refined | None:
    low, high = skin.points.min(0) - MARGIN * cell, skin.points.max(0) + MARGIN * cell
    shape = tuple(np.ceil((high - low) / cell).astype(int).tolist())
    points = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1).reshape(-1, 3) * cell + low
    nearest = _nearest(points, skin.points, low, cell, shape)
    distance = _signed(points, skin.points[nearest], skin.normals[nearest], cell)
    side = np.where(enclosed_grid(dense, low, cell, shape).ravel(), -1.0, 1.0)
    distance = np.where(np.abs(distance) > cell, side * np.abs(distance), distance)  # near by the normals tell it well
    distance = distance.clip(-REACH * cell, REACH * cell)
    own = trust[nearest]
    distances, trusts = distance.reshape(shape), own.reshape(shape)
    unknown = np.flatnonzero(own < 1)
    normals = skin.normals.astype(np.float32)[nearest]
    places, held, facing = points[unknown].T.copy(), own[unknown], normals[unknown]
    total, weight, trusted = np.zeros((3, len(unknown)))
    for symmetry in symmetries:
        maps = symmetry.maps()
        belief = 1 / (len(maps) * (symmetry.residual / cell + 1) ** 2)
        for linear, shift in maps:
            at = linear / cell @ places + ((shift - low) / cell)[:, None]
            seen = map_coordinates(trusts, at, order=1, mode="nearest")
            better = np.flatnonzero(seen > held)  # what is held no better tells nothing
            at = at[:, better]
            there = np.ravel_multi_index(tuple(at.round().astype(int)), shape, mode="clip")
            turned = normals[there] @ linear.astype(np.float32)
            alike = np.einsum("ni,ni->n", turned, facing[better]) > 0  # else it is the other side of a thin wall
            better, seen = better[alike], seen[better[alike]]
            theirs = map_coordinates(distances, at[:, alike], order=1, mode="nearest")
            total[better] += belief * seen * theirs
            weight[better] += belief * seen
            trusted[better] += seen
    share = (1 - own[unknown]) * (trusted / TOLD).clip(0, 1)
    mixed = distance.copy()
    mixed[unknown] += share * (total / weight.clip(1e-9) - distance[unknown])
    grown = np.flatnonzero((mixed < 0) & (distance >= 0))
    taken = looks.through(points[grown])
    for other in others:
        taken |= _held(other, points[grown])
    mixed[grown[taken]] = distance[grown[taken]]
    mixed = np.maximum(mixed, looks.plane.offset - points @ looks.plane.normal)
    changed = (mixed != distance).reshape(shape)
    volume = mixed.reshape(shape) / cell
    volume = np.where(changed, gaussian_filter(volume, BLUR), volume)
    volume[[0, -1]] = volume[:, [0, -1]] = volume[:, :, [0, -1]] = 1.0
    corner = torch.tensor(low, dtype=torch.float32)
    volume = fill_gaps(largest_piece(volume), corner, cell, looks.views, looks.masks, looks.plane)
    mesh = zero_surface(off_grid(volume), low, cell)
    if mesh is None:
        return None
    mesh, known = decimate(mesh, FACES), own.copy()
    known[unknown] += IMAGE * share
    return Refined(mesh, map_coordinates(known.reshape(shape), (mesh.vertices - low).T / cell, order=1, mode="nearest"))


def _nearest(
    points: Array, surface: Array, low: Array, cell: float, shape: tuple[int, ...]
) -> NDArray[np.int64]:  # (N,)
    """Which point of a surface is next to each point of a grid; nearly so for those farther away than two cells."""
    index = tuple(((surface - low) / cell).round().astype(int).T)
    number = np.full(shape, -1)
    number[index] = np.arange(len(surface))
    far, place = np.zeros(shape), np.zeros((3, *shape), np.int32)
    distance_transform_edt(number < 0, return_indices=True, distances=far, indices=place)
    nearest = number[tuple(place)].ravel()
    band = np.flatnonzero(far.ravel() <= 2)
    nearest[band] = KDTree(surface).query(points[band], workers=-1)[1]
    return nearest


def _signed(points: Array, nearest: Array, normals: Array, cell: float) -> Array:
    """Distance from a surface, by its nearest point's tangent plane, > 0 before it, and beyond a cell by the point."""
    offset = points - nearest
    outward = (offset * normals).sum(1)
    sideways = np.linalg.norm(offset - outward[:, None] * normals, axis=1)
    return np.where(outward < 0, -1.0, 1.0) * np.hypot(outward, (sideways - cell).clip(0))


def _held(thing: Refined, points: Array) -> Flags:
    """Which points lie in a thing, beneath surface of it that is held."""
    inside = enclosed(thing.mesh, points)
    inside[inside] = thing.trust[KDTree(thing.mesh.vertices).query(points[inside], workers=-1)[1]] > HELD
    return inside
