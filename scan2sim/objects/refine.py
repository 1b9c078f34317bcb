"""The objects' surfaces after the photos were asked: stereo, fusion and fairing in turn, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from scan2sim.bodies import decimate
from scan2sim.objects.fairing import fair
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.outlines import outline_shifts
from scan2sim.objects.sensed import blend_sensed
from scan2sim.objects.stereo import StereoDepth, StereoView, stereo_depth, typical_brightness
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.progress import Reporter, silent

__all__ = ["Outline", "Refined", "refine_surfaces"]

FACES = 12_000, 40_000  # of a mesh between two passes, at least and at most, …
EDGE = 0.006  # … with edges of about this length [camera distances]
MARGIN = 0.01  # around a mesh, for the next one [camera distances]
FAR = 0.014  # where surfaces may move farther than this [camera distances], …
COARSE = 360  # … the photos' long side has about so many pixels
STEPS = 8  # shifts to each side
BRIGHT = 0.88  # share of an object's pixels that are dark enough not to mirror a light
DOUBT = 0.05  # how much depth counts that no photos agree on
SENSED = 0.7  # how far a vertex is trusted on which a sensor alone tells, as if photos agreed so well
NEAR = 0.006  # a vertex is seen by a view whose depth is so near [camera distances]
AGREED = (0.2, 0.5)  # mean trust of the views that see a vertex from which, and up to which, its own trust grows
TOLD = 1.0  # outlines that hold a vertex wholly
BENDS = 2  # times that a surface is bent to its outlines, which are others then
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
    are bent back (:func:`fair`), so that the next pass begins nearer to the truth.  Where photos do not agree and a
    sensor took depth, its depth counts.
    """
    refined = [Refined(mesh, np.ones(len(mesh.vertices))) for mesh in meshes]
    if not meshes:
        return []
    weights = torch.tensor(GRAY)
    gray = [photo @ weights for photo in photos]
    for turn, reach in enumerate(ranges):
        shrink = max(1, max(views[0].size) // COARSE) if reach > FAR else 1
        small = [avg_pool2d(picture[None], shrink)[0] for picture in gray]
        cameras = [
            view.camera.resized(picture.shape[1], picture.shape[0]) for view, picture in zip(views, small, strict=True)
        ]
        sights = see_meshes(meshes, cameras)
        stereo = [StereoView(*parts) for parts in zip(cameras, small, sights, strict=True)]
        bright = typical_brightness(stereo, len(meshes), BRIGHT)
        offsets = torch.linspace(-reach * unit, reach * unit, 2 * STEPS + 1)
        centre = np.mean([mesh.bounds.mean(0) for mesh in meshes], axis=0)
        depths = []
        for i in range(len(views)):
            depths.append(stereo_depth(stereo, i, offsets, bright, centre, unit).resized(views[i].size))
            report("comparing photos", turn * len(views) + i + 1, len(ranges) * len(views))
        refined = _fused(meshes, outlines, views, depths, plane, unit, cells)
        meshes = [each.mesh for each in refined]
    return refined


def _fused(
    meshes: list[trimesh.Trimesh],
    outlines: list[Outline],
    views: list[View],
    depths: list[StereoDepth],
    plane: SupportPlane,
    unit: float,
    cells: int,
) -> list[Refined]:
    """The meshes from the new depths, bent to the outlines; the old one where nothing is left of it."""
    looks = [_looked(outline, views, depths, unit) for outline in outlines]
    fused = []
    for mesh, outline, (moved, share, _) in zip(meshes, outlines, looks, strict=True):
        low, high = torch.tensor(mesh.bounds, dtype=torch.float32)
        margin = MARGIN * unit
        new = object_surface(moved, outline.masks, low - margin, high + margin, plane, cells, outline.belongs, share)
        fused.append(mesh if new is None else decimate(new, _face_count(new, unit)))
    refined = [Refined(mesh, np.ones(len(mesh.vertices))) for mesh in fused]
    for _ in range(BENDS):
        sights = see_meshes([each.mesh for each in refined], [view.camera for view in views])
        for i, (outline, (moved, _, agreed)) in enumerate(zip(outlines, looks, strict=True)):
            mesh = refined[i].mesh
            shift, told = outline_shifts(mesh, sights, i + 1, outline.masks, views, NEAR * unit)
            rim = np.clip(told / TOLD, 0, 1)
            texture = _texture_trust(mesh, outline.masks, moved, agreed, plane, unit)
            target = mesh.copy()
            target.vertices += (shift * rim / np.maximum(rim + texture, 1e-9))[:, None] * mesh.vertex_normals
            trust = np.minimum(rim + texture, 1)
            bent = fair(target, trust)
            sunk = np.minimum(plane.height(torch.tensor(bent.vertices)).numpy(), 0)
            above = bent.vertices - sunk[:, None] * plane.normal
            refined[i] = Refined(trimesh.Trimesh(above, bent.faces, process=False), trust)
    return refined


def _face_count(mesh: trimesh.Trimesh, unit: float) -> int:
    return int(np.clip(mesh.area / (3**0.5 / 4 * (EDGE * unit) ** 2), *FACES))


def _looked(
    outline: Outline, views: list[View], depths: list[StereoDepth], unit: float
) -> tuple[list[View], list[Tensor], list[Tensor]]:
    """The views with the object's new depths, how much its pixels count, and how far they hold a vertex."""
    moved, counts, holds = [], [], []
    for view, mask, found in zip(views, outline.masks, depths, strict=True):
        known = mask & (found.depth > 0)
        depth, sensed = blend_sensed(view, found.depth, DOUBT + found.trust, unit)
        moved.append(replace(view, depth=torch.where(known, depth, view.depth)))
        counts.append(torch.where(known, DOUBT + found.trust + sensed, 1.0))
        holds.append(torch.where(known, torch.maximum(found.trust, SENSED * sensed), 0.0))
    return moved, counts, holds


def _texture_trust(
    mesh: trimesh.Trimesh,
    masks: list[Tensor],
    views: list[View],  # with the new depth
    agreed: list[Tensor],  # per view (H, W) 0..1
    plane: SupportPlane,
    unit: float,
) -> NDArray[np.float64]:  # (V,) 0..1
    """How well photos agree on each vertex; its support holds a foot a little."""
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(mesh.vertex_normals, dtype=torch.float32)
    agreement, looks = torch.zeros(len(points)), torch.zeros(len(points))
    for view, mask, trust in zip(views, masks, agreed, strict=True):
        index, facing = view.facing(points, normals, mask, NEAR * unit)
        agreement += facing * trust.flatten()[index]
        looks += facing
    textured = (agreement / looks.clamp_min(1e-6) - AGREED[0]) / (AGREED[1] - AGREED[0])
    held = textured.clamp(0, 1) * (looks / 2).clamp(0, 1)
    foot = plane.height(points) < FOOT * unit
    return torch.where(foot, held.clamp_min(FOOT_TRUST), held).clamp(0, 1).double().numpy()
