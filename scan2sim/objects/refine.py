"""The objects' surfaces after the photos were asked: stereo, fusion and fairing in turn, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from scan2sim.bodies import decimate
from scan2sim.objects.brightness import moved_to_even_brightness
from scan2sim.objects.choosing import believed
from scan2sim.objects.fairing import fair
from scan2sim.objects.gloss import typical_brightness
from scan2sim.objects.mesh_views import see_meshes
from scan2sim.objects.outlines import outline_shifts
from scan2sim.objects.sensed import blend_sensed
from scan2sim.objects.stereo import Evidence, StereoDepth, stereo_depth
from scan2sim.objects.support import SupportPlane
from scan2sim.objects.surface import object_surface
from scan2sim.objects.views import View
from scan2sim.objects.windows import StereoView
from scan2sim.progress import Reporter, silent

__all__ = ["Outline", "Refined", "refine_surfaces"]

FACES = 12_000, 40_000  # of a mesh between two passes, at least and at most, …
EDGE = 0.006  # … with edges of about this length [camera distances]
MARGIN = 0.01  # around a mesh, for the next one [camera distances]
FAR = 0.014  # where surfaces may move farther than this [camera distances], …
COARSE = 360  # … the photos' long side has about so many pixels
STEPS = 8  # shifts to each side
DOUBT = 0.05  # how much depth counts that no photos agree on
SENSED = 0.7  # how far a vertex is trusted on which a sensor alone tells, as if photos agreed so well
NEAR = 0.006  # a vertex is seen by a view whose depth is so near [camera distances]
AGREED = (0.2, 0.5)  # mean trust of the views that see a vertex from which, and up to which, its own trust grows
TOLD = 1.0  # outlines that hold a vertex wholly
BENDS = 2  # times that a surface is bent to its outlines, which are others then
HELD = 0.0005  # how far views' depth is trusted on which photos do not agree, in one of the rivals
CLEARLY = 0.01  # by how much photos must believe a rival more
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
    them choose one for each object (:func:`believed`).
    """
    refined = [Refined(mesh, np.ones(len(mesh.vertices))) for mesh in meshes]
    if not meshes:
        return []
    weights = torch.tensor(GRAY)
    gray = [photo @ weights for photo in photos]
    for turn, reach in enumerate(ranges):
        kinds: tuple[Evidence, ...] = (
            ("patterns", "brightness") if rivals and turn == len(ranges) - 1 else ("patterns",)
        )
        depths: dict[Evidence, list[StereoDepth]] = {kind: [] for kind in kinds}
        for i, asked in enumerate(_asked(meshes, views, gray, reach, unit, kinds)):
            for kind, depth in asked.items():
                depths[kind].append(depth)
            report("comparing photos", turn * len(views) + i + 1, len(ranges) * len(views))
        found = [_fused(meshes, outlines, views, depths["patterns"], plane, unit, cells)]
        if "brightness" in depths:
            for least in (0.0, HELD):
                rival = _fused(meshes, outlines, views, depths["brightness"], plane, unit, cells, least)
                found.append(_evened(rival, views, photos, plane, unit))
        refined = _chosen(found, views, gray, unit)
        meshes = [each.mesh for each in refined]
    return refined


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
    """Of each object the surface that photos believe most; the first one where none is believed clearly more."""
    if len(rivals) == 1:
        return rivals[0]
    marks = []
    for surfaces in rivals:
        meshes = [each.mesh for each in surfaces]
        marks.append(believed(meshes, _seen(meshes, views, gray), unit))
    marks[0] += CLEARLY
    return [rivals[best][i] for i, best in enumerate(np.argmax(marks, axis=0))]


def _evened(
    surfaces: list[Refined], views: list[View], photos: list[Tensor], plane: SupportPlane, unit: float
) -> list[Refined]:
    meshes, trusts = [each.mesh for each in surfaces], [each.trust for each in surfaces]
    moved = moved_to_even_brightness(meshes, trusts, [view.camera for view in views], photos, unit)
    return [Refined(_above(mesh, plane), each.trust) for mesh, each in zip(moved, surfaces, strict=True)]


def _above(mesh: trimesh.Trimesh, plane: SupportPlane) -> trimesh.Trimesh:
    """The mesh with what is below the support laid onto it."""
    sunk = np.minimum(plane.height(torch.tensor(mesh.vertices)).numpy(), 0)
    return trimesh.Trimesh(mesh.vertices - sunk[:, None] * plane.normal, mesh.faces, process=False)


def _fused(
    meshes: list[trimesh.Trimesh],
    outlines: list[Outline],
    views: list[View],
    depths: list[StereoDepth],
    plane: SupportPlane,
    unit: float,
    cells: int,
    least: float = 0.0,
) -> list[Refined]:
    """The meshes from the new depths, bent to the outlines; the old one where nothing is left of it.

    What views see and no photos agree on is held by ``least`` where the views' depth has it.
    """
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
            texture = _texture_trust(mesh, outline.masks, moved, agreed, plane, unit, least)
            target = mesh.copy()
            target.vertices += (shift * rim / np.maximum(rim + texture, 1e-9))[:, None] * mesh.vertex_normals
            trust = np.minimum(rim + texture, 1)
            refined[i] = Refined(_above(fair(target, trust), plane), trust)
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
    least: float,
) -> NDArray[np.float64]:  # (V,) 0..1
    """How well photos agree on each vertex, ``least`` where views see it; its support holds a foot a little."""
    points = torch.tensor(mesh.vertices, dtype=torch.float32)
    normals = torch.tensor(mesh.vertex_normals, dtype=torch.float32)
    agreement, looks = torch.zeros(len(points)), torch.zeros(len(points))
    for view, mask, trust in zip(views, masks, agreed, strict=True):
        index, facing = view.facing(points, normals, mask, NEAR * unit)
        agreement += facing * trust.flatten()[index]
        looks += facing
    textured = (agreement / looks.clamp_min(1e-6) - AGREED[0]) / (AGREED[1] - AGREED[0])
    held = textured.clamp(least, 1) * (looks / 2).clamp(0, 1)
    foot = plane.height(points) < FOOT * unit
    return torch.where(foot, held.clamp_min(FOOT_TRUST), held).clamp(0, 1).double().numpy()
