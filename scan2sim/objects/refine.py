"""The objects' surfaces after the photos were asked: stereo, fusion and fairing in turn, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from scan2sim.bodies import decimate
from scan2sim.objects.fairing import fair
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.stereo import StereoDepth, StereoView, stereo_depth, typical_brightness
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["Outline", "Refined", "refine_surfaces"]

FACES = 12_000  # of a mesh between two passes
FINE = 20_000  # at least so many faces are drawn
MARGIN = 0.01  # around a mesh, for the next one [camera distances]
COARSE = 360  # pixels of the photos' long side, about, in the first pass
STEPS = 8  # shifts to each side
BRIGHT = 0.88  # share of an object's pixels that are dark enough not to mirror a light
DOUBT = 0.05  # how much depth counts that no photos agree on
NEAR = 0.006  # a vertex is seen by a view whose depth is so near [camera distances]
AGREED = (0.2, 0.5)  # mean trust of the views that see a vertex from which, and up to which, its own trust grows
GRAZING = 0.3  # cosine between surface and ray at an outline
RIM = 2  # pixels to both sides of an outline
FOOT = 0.002  # what is so low stands on the support [camera distances] …
FOOT_TRUST = 0.1  # … and is trusted so far
GRAY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Outline:
    """Where one object can be."""

    masks: list[Tensor]  # per view (H, W) bool: the pixels that show it
    belongs: Callable[[Tensor], Tensor] | None = None  # (N, 3) to (N,) bool: the space that can be its


@dataclass(frozen=True)
class Refined:
    """A surface, and how far each part of it may be believed."""

    mesh: trimesh.Trimesh  # closed, scene frame
    trust: NDArray[np.float64]  # (V,) 0..1: how well photos or outlines hold each vertex; 1 where none were compared


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
) -> list[Refined]:
    """Move the surfaces to where the photos agree, and smooth them where no photo tells.

    The splats' own depth is good to some millimetres: training may put Gaussians anywhere along a ray where that
    paints the photos well, above all behind or before glossy surfaces.  In each pass the depth that the photos agree
    on (:func:`stereo_depth`) is fused anew with the outlines; then vertices that neither texture nor an outline holds
    are bent back (:func:`fair`), so that the next pass begins nearer to the truth.
    """
    refined = [Refined(mesh, np.ones(len(mesh.vertices))) for mesh in meshes]
    if not meshes:
        return []
    weights = torch.tensor(GRAY)
    gray = [photo @ weights for photo in photos]
    for turn, reach in enumerate(ranges):
        shrink = max(1, max(views[0].size) // COARSE) if turn == 0 else 1
        small = [avg_pool2d(picture[None], shrink)[0] for picture in gray]
        cameras = [
            view.camera.resized(picture.shape[1], picture.shape[0]) for view, picture in zip(views, small, strict=True)
        ]
        sights = see_meshes([_fine(each.mesh) for each in refined], cameras)
        stereo = [StereoView(*parts) for parts in zip(cameras, small, sights, strict=True)]
        bright = typical_brightness(stereo, len(refined), BRIGHT)
        offsets = torch.linspace(-reach * unit, reach * unit, 2 * STEPS + 1)
        centre = np.mean([each.mesh.bounds.mean(0) for each in refined], axis=0)
        depths = []
        for i in range(len(views)):
            depths.append(stereo_depth(stereo, i, offsets, bright, centre, unit).resized(views[i].size))
            report("comparing photos", turn * len(views) + i + 1, len(ranges) * len(views))
        refined = [
            _fused(each, outline, views, depths, plane, unit, cells)
            for each, outline in zip(refined, outlines, strict=True)
        ]
    return refined


def _fine(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    while len(mesh.faces) < FINE:
        mesh = mesh.subdivide()
    return mesh


def _fused(
    before: Refined,
    outline: Outline,
    views: list[View],
    depths: list[StereoDepth],
    plane: SupportPlane,
    unit: float,
    cells: int,
) -> Refined:
    """The surface from the new depths; the old one where nothing is left of it."""
    known = [mask & (found.depth > 0) for mask, found in zip(outline.masks, depths, strict=True)]
    moved = [
        replace(view, depth=torch.where(mine, found.depth, view.depth))
        for view, mine, found in zip(views, known, depths, strict=True)
    ]
    agreed = [torch.where(mine, found.trust, 0.0) for mine, found in zip(known, depths, strict=True)]
    share = [torch.where(mine, DOUBT + trust, 1.0) for mine, trust in zip(known, agreed, strict=True)]
    low, high = torch.tensor(before.mesh.bounds, dtype=torch.float32)
    margin = MARGIN * unit
    fused = object_surface(moved, outline.masks, low - margin, high + margin, plane, cells, outline.belongs, share)
    if fused is None:
        return before
    fused = decimate(fused, FACES)
    trust = _vertex_trust(fused, outline.masks, moved, agreed, plane, unit)
    fused = fair(fused, trust)
    sunk = np.minimum(plane.height(torch.tensor(fused.vertices)).numpy(), 0)
    mesh = trimesh.Trimesh(fused.vertices - sunk[:, None] * plane.normal, fused.faces, process=False)
    return Refined(mesh, trust)


def _vertex_trust(
    mesh: trimesh.Trimesh,
    masks: list[Tensor],
    views: list[View],  # with the new depth
    agreed: list[Tensor],  # per view (H, W) 0..1
    plane: SupportPlane,
    unit: float,
) -> NDArray[np.float64]:  # (V,) 0..1
    """How well each vertex is held: by photos that agree on it, or as part of its outline in two views or more."""
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(mesh.vertex_normals, dtype=torch.float32)
    agreement, looks, rims = (torch.zeros(len(points)) for _ in range(3))
    for view, mask, trust in zip(views, masks, agreed, strict=True):
        index, z, inside = view.project(points)
        gap = view.depth.flatten()[index] - z
        cosine = (normalize(torch.from_numpy(view.camera.position).float() - points, dim=1) * normals).sum(1)
        facing = cosine.clamp_min(0) * (inside & mask.flatten()[index] & (gap.abs() < NEAR * unit))
        agreement += facing * trust.flatten()[index]
        looks += facing
        wide, narrow = (_mask(change(mask.numpy(), iterations=RIM)) for change in (binary_dilation, binary_erosion))
        at_rim = (wide & ~narrow).flatten()[index] & (cosine.abs() < GRAZING) & (gap > -3 * NEAR * unit)
        rims += inside & at_rim
    textured = (agreement / looks.clamp_min(1e-6) - AGREED[0]) / (AGREED[1] - AGREED[0])
    held = textured.clamp(0, 1) * (looks / 2).clamp(0, 1) + ((rims - 1) / 2).clamp(0, 1)
    foot = plane.height(points) < FOOT * unit
    return torch.where(foot, held.clamp_min(FOOT_TRUST), held).clamp(0, 1).double().numpy()


def _mask(picture: object) -> Tensor:
    return torch.from_numpy(np.asarray(picture, dtype=bool))
