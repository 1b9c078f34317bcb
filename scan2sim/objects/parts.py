"""Objects before they have names: the surface of each, its splats, and how much of it was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from scipy.spatial import KDTree
from torch import Tensor

from scan2sim.bodies import ColorsAt, close_mesh, inertia_problem, mark_seen, mass_properties
from scan2sim.errors import SceneError
from scan2sim.objects.certainty import surface_sigma
from scan2sim.objects.coloring import color_mesh, unseen_fraction
from scan2sim.objects.completion import complete_unseen
from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.fusing import Outline, Refined
from scan2sim.objects.invented import with_invented
from scan2sim.objects.overlaps import parted
from scan2sim.objects.refine import refine_surfaces
from scan2sim.objects.separate import separating_height
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.symmetry import Symmetry
from scan2sim.objects.texturing import photo_colors
from scan2sim.objects.touching import Apart
from scan2sim.objects.trimming import trimmed
from scan2sim.objects.views import View
from scan2sim.progress import Reporter
from scan2sim.splats import Gaussians

__all__ = ["Part", "find_parts"]

FOOT_NOISE = 2.0  # what is less than this many standard deviations of the support's surface above it is support
FRINGE = 0.015  # what hovers this near to an object's surface is its fringe [camera distances]
OUTLIER = 0.03  # an object's Gaussians lie this near to its surface [camera distances], …
REACH = 0.01  # … and those that it keeps reach no farther out of it than this [camera distances]


@dataclass(frozen=True)
class Part:
    """One object before it has a name."""

    number: int  # in the pixels and labels
    mesh: trimesh.Trimesh  # scene frame, coloured
    gaussians: Gaussians  # scene frame; the invented ones last
    members: Tensor  # (N,) bool: which of all Gaussians these are
    unseen: float  # share of the surface
    invented: int  # splats on surface that no view saw
    symmetries: tuple[Symmetry, ...]  # that told where such surface is
    colors_at: ColorsAt  # of places on its surface [m], scene frame
    surface_sigma: float  # standard deviation of the mean offset of its surface [m]


def find_parts(
    apart: Apart,
    gaussians: Gaussians,
    labels: Tensor,  # (N,) number of each Gaussian, 0 = background
    views: list[View],
    photos: list[Tensor],  # per view (H, W, 3) 0..1
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter,
) -> list[Part]:
    """Mesh the objects all together, and give each its Gaussians; what is small, hardly seen or no solid is none."""
    surfaces = _surfaces(apart, labels, views, photos, plane, unit, config, report)
    masks_of = {number: [picture == number for picture in apart.pixels] for number in surfaces}
    completed, found, parts = dict(surfaces), {}, []
    for number, refined in surfaces.items():
        others = [other for n, other in completed.items() if n != number]
        completed[number], found[number] = complete_unseen(
            refined, masks_of[number], views, others, plane, unit, config.mesh_cells
        )
        report("completing objects", len(found), len(surfaces))
    for done, (number, whole) in enumerate(parted(completed).items(), start=1):
        mesh, refined, symmetries, masks = whole.mesh, surfaces[number], found[number], masks_of[number]
        images = [image for symmetry in symmetries for image in symmetry.maps()]
        seen = color_mesh(mesh, views, masks, tolerance=2 * apart.grid.cell, images=images)
        mark_seen(mesh, seen)
        unseen = unseen_fraction(mesh, seen)
        if unseen <= config.max_unseen and _is_solid(mesh, config.min_size * unit):
            members = _members(number, mesh, gaussians, labels, plane, unit, apart.grid.cell, config)
            own = trimmed(_raised(gaussians[members], plane), mesh, REACH * unit)
            splats, invented = with_invented(own, mesh, seen)
            colors_at = photo_colors(mesh, views, photos, masks, tolerance=2 * apart.grid.cell)
            sigma = surface_sigma(refined, plane, unit)
            parts.append(Part(number, mesh, splats, members, unseen, invented, tuple(symmetries), colors_at, sigma))
        report("giving objects their splats", done, len(surfaces))
    return parts


def _surfaces(
    apart: Apart,
    labels: Tensor,
    views: list[View],
    photos: list[Tensor],
    plane: SupportPlane,
    unit: float,
    config: ObjectsConfig,
    report: Reporter,
) -> dict[int, Refined]:
    """The surface of each object that is large enough to be one, by number."""
    meshes, outlines = {}, {}
    for number in range(1, apart.grid.count + 1):
        if (labels == number).any() and (apart.grid.labels == number).any():
            low, high = apart.grid.box(number, plane)
            masks = [picture == number for picture in apart.pixels]
            outline = Outline(masks, apart.belongs(number), apart.bowl_distance(number))
            mesh = object_surface(views, outline.masks, low, high, plane, config.mesh_cells, outline.belongs)
            if mesh is not None and float(np.ptp(mesh.vertices, axis=0).max()) >= config.min_size * unit:
                meshes[number], outlines[number] = mesh, outline
        report("meshing objects", number, apart.grid.count)
    refined = refine_surfaces(
        list(meshes.values()),
        list(outlines.values()),
        views,
        photos,
        plane,
        unit,
        config.mesh_cells,
        config.stereo,
        report,
        rivals=True,
    )
    return parted(dict(zip(meshes, refined, strict=True)))


def _is_solid(mesh: trimesh.Trimesh, smallest: float) -> bool:
    """Whether a surface bounds a body: noise gives crumbs, and sheets that run through themselves."""
    if float(np.ptp(mesh.vertices, axis=0).max()) < smallest:
        return False
    try:
        return inertia_problem(mass_properties(close_mesh(mesh), 1.0).inertia) is None
    except SceneError:
        return False


def _members(
    number: int,
    mesh: trimesh.Trimesh,
    gaussians: Gaussians,
    labels: Tensor,
    plane: SupportPlane,
    unit: float,
    cell: float,
    config: ObjectsConfig,
) -> Tensor:  # (N,) bool
    """An object's Gaussians; pixels near the support are the support's, so its foot is claimed by where it is."""
    height = plane.height(gaussians.means)
    foot = (labels == 0) & (height > FOOT_NOISE * plane.noise)
    fringe = foot & (height > separating_height(plane, unit, config))
    distance = torch.from_numpy(KDTree(mesh.vertices).query(gaussians.means.numpy(), workers=-1)[0])
    mine = (labels == number) & (distance < OUTLIER * unit)
    return mine | foot & (distance < cell) | fringe & (distance < FRINGE * unit)


def _raised(gaussians: Gaussians, plane: SupportPlane) -> Gaussians:
    """Nothing of an object lies within its support."""
    sunk = (plane.noise - plane.height(gaussians.means)).clamp_min(0)
    return replace(gaussians, means=gaussians.means + sunk[:, None] * torch.tensor(plane.normal).float())
