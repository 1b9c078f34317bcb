"""The views' depth after the photos were asked, before anything is cut."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from scan2sim.objects.config import ObjectsConfig
from scan2sim.objects.fusing import Outline
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.refine import refine_surfaces
from scan2sim.objects.separate import VoxelLabels
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter

__all__ = ["refine_depths"]


def refine_depths(
    numbers: list[int],  # of the groups of things
    views: list[View],
    pixels: list[Tensor],  # per view (H, W) number of the group that each pixel shows
    photos: list[Tensor],  # per view (H, W, 3) 0..1, as bright as the view
    grid: VoxelLabels,
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    config: ObjectsConfig,
    report: Reporter,
) -> list[View]:
    """The views with the depth of the groups' refined surfaces.

    In the noise of the splats' own depth a crease between two things is hard to tell from the next bump; in what the
    photos agree on it is not.
    """
    if not config.stereo_groups:
        return views
    found, meshes, outlines = [], [], []
    for number in numbers:
        outline = Outline([picture == number for picture in pixels])
        mesh = object_surface(views, outline.masks, *grid.box(number, plane), plane, config.mesh_cells)
        if mesh is not None:
            found.append(number)
            meshes.append(mesh)
            outlines.append(outline)
    cells = config.group_cells
    refined = refine_surfaces(meshes, outlines, views, photos, plane, unit, cells, config.stereo_groups, report)
    if not refined:
        return views
    surfaces = [each.mesh for each in refined]
    owner = torch.tensor([0, *found])
    moved = []
    for view, picture, sight in zip(views, pixels, see_meshes(surfaces, [view.camera for view in views]), strict=True):
        mine = (picture > 0) & (owner[sight.number.long()] == picture)
        moved.append(replace(view, depth=torch.where(mine, sight.depth, view.depth)))
    return moved
