"""The objects' surfaces after the photos were asked: stereo, fusion and fairing in turn, from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
import trimesh
from torch import Tensor
from torch.nn.functional import avg_pool2d

from scan2sim.objects.brightness import moved_to_even_brightness
from scan2sim.objects.choosing import believed, best_rivals
from scan2sim.objects.fusing import Outline, Refined, Setting, above, bent_surfaces, fused_surfaces, thick_enough
from scan2sim.objects.gloss import typical_brightness
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.pushing import pushed_to_agreement
from scan2sim.objects.stereo import Evidence, StereoDepth, stereo_depth
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.views import View
from scan2sim.objects.windows import StereoView
from scan2sim.progress import Reporter, silent

__all__ = ["refine_surfaces"]

FAR = 0.014  # where surfaces may move farther than this [camera distances], …
COARSE = 360  # … the photos' long side has about so many pixels
STEPS = 8  # shifts to each side
HELD = 0.0005  # how far views' depth is trusted on which photos do not agree, in one of the rivals
GRAY = (0.299, 0.587, 0.114)


def refine_surfaces(
    meshes: list[trimesh.Trimesh],  # closed, scene frame
    outlines: list[Outline],  # of each
    views: list[View],
    photos: list[Tensor],  # per view (H, W, 3) 0..1, as bright as the view
    plane: SupportPlane,
    unit: float,  # camera distance [m]
    cells: int,
    ranges: tuple[float, ...],  # how far surfaces may move, pass after pass [camera distances]
    report: Reporter = silent,
    rivals: bool = False,
) -> list[Refined]:
    """Move the surfaces to where the photos agree, and smooth them where no photo tells.

    The splats' own depth is good to some millimetres: training may put Gaussians anywhere along a ray where that
    paints the photos well, above all behind or before glossy surfaces.  In each pass the depth that the photos agree
    on (:func:`stereo_depth`) is fused anew with the outlines; then vertices that neither texture nor an outline holds
    are bent back (:func:`fair`), so that the next pass begins nearer to the truth.  Where photos do not agree and a
    sensor took depth, its depth counts.

    Patterns in a mirror are on no surface, and what is plain has none.  With ``rivals`` two more surfaces are made in
    the last pass for which photos must be equally bright, too, and which brightness moves where nothing else tells
    (:func:`moved_to_even_brightness`), one held by the views' depth there, one not.  Photos that had no say in any of
    them choose one for each object (:func:`believed`), and push what is not held (:func:`pushed_to_agreement`).
    """
    refined = [Refined(mesh, np.ones(len(mesh.vertices))) for mesh in meshes]
    if not meshes:
        return []
    weights = torch.tensor(GRAY)
    gray = [photo @ weights for photo in photos]
    setting = Setting.of(views, outlines, plane, unit, cells)
    for turn, reach in enumerate(ranges):
        kinds: tuple[Evidence, ...] = (
            ("patterns", "brightness") if rivals and turn == len(ranges) - 1 else ("patterns",)
        )
        depths: dict[Evidence, list[StereoDepth]] = {kind: [] for kind in kinds}
        for i, asked in enumerate(_asked(meshes, views, gray, reach, unit, kinds)):
            for kind, depth in asked.items():
                depths[kind].append(depth)
            report("comparing photos", turn * len(views) + i + 1, len(ranges) * len(views))
        found = [bent_surfaces(fused_surfaces(meshes, depths["patterns"], setting), setting)]
        if "brightness" in depths:
            strict = fused_surfaces(meshes, depths["brightness"], setting)
            found += [_evened(bent_surfaces(strict, setting, least), setting, photos) for least in (0.0, HELD)]
        refined = _chosen(found, views, gray, unit)
        meshes = [each.mesh for each in refined]
    if rivals:
        refined = pushed_to_agreement(refined, _seen(meshes, views, gray), plane, unit)
    return [thick_enough(each, plane, unit) for each in refined]


def _asked(
    meshes: list[trimesh.Trimesh],
    views: list[View],
    gray: list[Tensor],
    reach: float,
    unit: float,
    kinds: tuple[Evidence, ...],
) -> Iterator[dict[Evidence, StereoDepth]]:
    """Each view's depth where photos agree, no farther than ``reach`` from the meshes'."""
    shrink = max(1, max(views[0].size) // COARSE) if reach > FAR else 1
    small = [avg_pool2d(picture[None], shrink)[0] for picture in gray]
    stereo = _seen(meshes, views, small)
    bright = typical_brightness(stereo, len(meshes))
    offsets = torch.linspace(-reach * unit, reach * unit, 2 * STEPS + 1)
    centre = np.mean([mesh.bounds.mean(0) for mesh in meshes], axis=0)
    for i, view in enumerate(views):
        found = stereo_depth(stereo, i, offsets, bright, centre, unit, kinds)
        yield {kind: depth.resized(view.size) for kind, depth in found.items()}


def _seen(meshes: list[trimesh.Trimesh], views: list[View], gray: list[Tensor]) -> list[StereoView]:
    """The views in the size of the photos, and what they see of the meshes."""
    cameras = [view.camera.resized(p.shape[1], p.shape[0]) for view, p in zip(views, gray, strict=True)]
    return [StereoView(*parts) for parts in zip(cameras, gray, see_meshes(meshes, cameras), strict=True)]


def _chosen(rivals: list[list[Refined]], views: list[View], gray: list[Tensor], unit: float) -> list[Refined]:
    """Of each object the surface that photos believe most (:func:`best_rivals`)."""
    if len(rivals) == 1:
        return rivals[0]
    meshes = [[each.mesh for each in surfaces] for surfaces in rivals]
    marks = np.stack([believed(each, _seen(each, views, gray), unit) for each in meshes])
    return [rivals[best][i] for i, best in enumerate(best_rivals(meshes, marks))]


def _evened(surfaces: list[Refined], setting: Setting, photos: list[Tensor]) -> list[Refined]:
    """The surfaces moved by brightness where nothing else tells."""
    meshes, trusts = [each.mesh for each in surfaces], [each.trust for each in surfaces]
    cameras = [view.camera for view in setting.views]
    tauts = [each.taut for each in surfaces]
    moved = moved_to_even_brightness(meshes, trusts, cameras, photos, setting.unit, tauts)
    return [replace(each, mesh=above(mesh, setting.plane)) for each, mesh in zip(surfaces, moved, strict=True)]
